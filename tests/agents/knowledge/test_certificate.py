"""Certificates as files: what is read, what is refused on one line, what a group without one means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wardround.agents.knowledge.certificate import Certified, installed_verifier, load_certificate
from wardround.policies.errors import InputError
from wardround.policies.request import Task

CERTIFIED: dict[str, Any] = {
    "status": "certified", "task": "drug_question", "language": "en", "claims": 120, "n": 100, "n_released": 80,
    "n_unsupported": 1, "observed_rate": 0.0125, "threshold": 0.9, "upper_bound": 0.0476, "coverage": 0.8,
}  # fmt: skip
REFUSED: dict[str, Any] = {
    "status": "refused", "task": "drug_question", "language": "de", "claims": 10, "n": 10, "n_released": 8,
    "n_unsupported": 0, "observed_rate": 0.0, "needed": 45, "more": 47,
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "format_version": 1, "made": "2026-05-01", "alpha": 0.05, "delta": 0.1, "jointly": False, "group_delta": 0.1,
    "floor": 0.5, "method": "learn then test", "labels_sha256": "0" * 64, "verifier": "v1",
    "groups": [CERTIFIED, REFUSED],
}  # fmt: skip


def _file(folder: Path, value: object) -> Path:
    path = folder / "certificate.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_a_threshold_is_found_by_task_and_language_alone(tmp_path: Path) -> None:
    loaded = load_certificate(_file(tmp_path, WHOLE))
    assert loaded.threshold(Task.DRUG_QUESTION, "en") == 0.9
    assert loaded.threshold(Task.DRUG_QUESTION, "de") is None
    assert loaded.threshold(Task.DRUG_QUESTION, "fr") is None
    assert loaded.threshold(Task.LETTER, "en") is None
    assert [type(g) for g in loaded.certified] == [Certified]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    loaded = load_certificate(_file(tmp_path, WHOLE))
    again = tmp_path / "again.json"
    again.write_text(loaded.model_dump_json(), encoding="utf-8")
    assert load_certificate(again) == loaded


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format_version": 2}, "format_version: "),
        ({"alpha": "0.05"}, "alpha: "),
        ({"alpha": 0.04}, "the upper bound lies above alpha"),
        ({"delta": 0}, "delta: "),
        ({"made": "soon"}, "made: "),
        ({"labels_sha256": "abc"}, "labels_sha256: "),
        ({"verifier": ""}, "verifier: "),
        ({"groups": []}, "groups: "),
        ({"groups": [CERTIFIED, CERTIFIED]}, "stand in two groups"),
        ({"groups": [CERTIFIED | {"status": "sure"}]}, "groups.0: "),
        ({"groups": [CERTIFIED | {"task": "question"}]}, "task: "),
        ({"groups": [CERTIFIED | {"threshold": 1.5}]}, "threshold: "),
        ({"groups": [CERTIFIED | {"n_released": 0, "n_unsupported": 0}]}, "the upper bound lies above alpha"),
        ({"groups": [CERTIFIED | {"n_unsupported": 81}]}, "must not fall in this order"),
        ({"groups": [REFUSED | {"threshold": 0.9}]}, "threshold: "),
        ({"extra": 1}, "extra: "),
    ],
)
def test_a_certificate_that_is_wrong_or_contradicts_itself_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = _file(tmp_path, WHOLE | change)
    with pytest.raises(InputError) as refused:
        load_certificate(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: no certificate: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "{", "[]", "verifier: v1"])
def test_another_file_is_no_certificate(tmp_path: Path, text: str) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no certificate"):
        load_certificate(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent.json: cannot be read: No such file"):
        load_certificate(tmp_path / "absent.json")


def test_the_installed_verifier_has_a_version_that_stays() -> None:
    version = installed_verifier()
    assert version == installed_verifier()
    assert version is None or version.startswith("sha256:")
