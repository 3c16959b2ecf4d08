"""`wardround calibrate`: certificates on disk, refusals, bad lines, drift."""

from __future__ import annotations

import json
import random
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from wardround.agents.knowledge.certificate import load_certificate
from wardround.policies.request import Task

from .conftest import Run


def _row(probability: float = 0.9, supported: bool = True, **more: object) -> dict[str, object]:
    return {"task": "letter", "language": "en", "probability": probability, "supported": supported} | more


def _file(folder: Path, *rows: dict[str, object], name: str = "labels.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def _population(folder: Path, *, bad_above: float, seed: int, name: str) -> Path:
    """A thousand claims; above 0.8 the share `bad_above` is unsupported, below it half."""
    chosen = random.Random(seed)  # noqa: S311 - a draw that can be repeated, no secret
    drawn = [chosen.random() for _ in range(1000)]
    rows = [_row(p, chosen.random() >= (bad_above if p > 0.8 else 0.5), round_id=f"r{i}") for i, p in enumerate(drawn)]
    return _file(folder, *rows, name=name)


def test_a_certificate_is_written_shown_and_loaded(run: Run, tmp_path: Path) -> None:
    labels = _population(tmp_path, bad_above=0.01, seed=1, name="labels.jsonl")
    out = tmp_path / "certificate.json"
    ran = run("calibrate", labels, "-o", out, "--verifier", "v7", "--made", "2026-05-01")
    assert ran.code == 0
    loaded = load_certificate(out)
    threshold = loaded.threshold(Task.LETTER, "en")
    assert threshold is not None
    assert 0.75 < threshold <= 0.9
    assert (loaded.verifier, str(loaded.made)) == ("v7", "2026-05-01")
    assert loaded.labels_sha256 == sha256(labels.read_bytes()).hexdigest()
    assert f"{threshold:g}" in ran.out
    assert "1 of 1 groups certified: at most 5.0% unsupported with confidence 90.0%, each by itself" in ran.err


def test_json_is_the_certificate_itself(run: Run, tmp_path: Path) -> None:
    labels, out = _file(tmp_path, *[_row()] * 60), tmp_path / "certificate.json"
    ran = run("calibrate", "--verifier", "v1", "--jointly", "--json", labels, "-o", out)
    assert ran.code == 0
    assert ran.json == json.loads(out.read_text())
    assert ran.json["jointly"] is True


def test_the_same_labels_give_the_same_file(run: Run, tmp_path: Path) -> None:
    labels = _population(tmp_path, bad_above=0.01, seed=2, name="labels.jsonl")
    written = [tmp_path / "a.json", tmp_path / "b.json"]
    for out in written:
        run("calibrate", "fit", labels, "-o", out, "--verifier", "v1", "--made", "2026-05-01")
    assert written[0].read_bytes() == written[1].read_bytes()


def test_a_refused_group_beside_a_certified_one_is_told(run: Run, tmp_path: Path) -> None:
    labels = _file(tmp_path, *[_row()] * 60, *[_row(language="de")] * 20)
    ran = run("calibrate", labels, "--verifier", "v1")
    assert ran.code == 0
    said = "refused: 20 labelled claims; at least 45 are needed even if every one is supported; about 25 more"
    assert f"letter de: {said}" in ran.out
    assert "1 of 2 groups certified" in ran.err


def test_where_no_group_is_certified_the_exit_code_is_1(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "certificate.json"
    ran = run("calibrate", _file(tmp_path, *[_row()] * 44), "-o", out, "--verifier", "v1")
    assert ran.code == 1
    assert "about 1 more" in ran.out
    assert load_certificate(out).certified == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (_row(1.5), "labels.jsonl:2: probability: expected a number from 0 to 1"),
        (_row(float("nan")), "labels.jsonl:2: probability: "),
        (_row(task="questions"), "labels.jsonl:2: task: expected one of decision_support, "),
        (_row(language="english"), "labels.jsonl:2: language: "),
        ({"task": "letter"}, "labels.jsonl:2: language: is missing"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(
    run: Run, tmp_path: Path, row: dict[str, object], said: str
) -> None:
    out = tmp_path / "certificate.json"
    assert said in run("calibrate", _file(tmp_path, _row(), row), "-o", out, "--verifier", "v1").complaint
    assert not out.exists()


def test_bad_arguments_are_one_line(run: Run, tmp_path: Path) -> None:
    labels, empty = _file(tmp_path, _row()), _file(tmp_path, name="empty.jsonl")
    version = ("--verifier", "v1")
    assert "holds no labelled claim" in run("calibrate", empty, *version).complaint
    assert "absent.jsonl: cannot be read: No such file" in run("calibrate", "absent.jsonl", *version).complaint
    assert "cannot be read: Is a directory" in run("calibrate", tmp_path, *version).complaint
    assert "is the input itself" in run("calibrate", labels, "-o", labels, *version).complaint
    assert "cannot be written" in run("calibrate", labels, "-o", tmp_path / "no" / "c.json", *version).complaint
    assert "alpha: expected" in run("calibrate", labels, "--alpha", "5", *version).complaint
    assert "--made: expected a date" in run("calibrate", labels, "--made", "May", *version).complaint
    assert "unexpected extra argument" in run("calibrate", "chek", labels).complaint
    assert labels.read_text() == json.dumps(_row()) + "\n"


def test_without_the_extra_one_line_says_how_to_install_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = _file(tmp_path, *[_row(0.8765)] * 60)
    for module in ("mapie.risk_control.methods", "mapie.risk_control", "mapie"):
        monkeypatch.setitem(sys.modules, module, None)
    complaint = run("calibrate", labels, "--verifier", "v1", "--alpha", "0.0501").complaint
    assert complaint.endswith("pip install 'wardround[calibrate]'")


def test_drift_shows_and_none_does_not(run: Run, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.json"
    labels = _population(tmp_path, bad_above=0.01, seed=3, name="labels.jsonl")
    run("calibrate", labels, "-o", certificate, "--verifier", "v1")
    same = _population(tmp_path, bad_above=0.01, seed=4, name="same.jsonl")
    worse = _population(tmp_path, bad_above=0.2, seed=5, name="worse.jsonl")
    held = run("calibrate", "check", same, "--certificate", certificate)
    assert (held.code, "compatible" in held.out) == (0, True)
    broken = run("calibrate", "check", worse, "-c", certificate, "--json")
    assert broken.code == 1
    (group,) = broken.json["groups"]
    assert group["verdict"] == "drifted"
    assert group["p_value"] < 0.05 < group["observed_rate"]


def test_a_check_that_can_check_nothing_is_one_line(run: Run, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.json"
    labels = _file(tmp_path, *[_row()] * 60)
    run("calibrate", labels, "-o", certificate, "--verifier", "v1")
    other = _file(tmp_path, _row(language="de"), name="other.jsonl")
    assert "needs fresh ones" in run("calibrate", "check", labels, "-c", certificate).complaint
    assert "no label is of a certified group" in run("calibrate", "check", other, "-c", certificate).complaint
    assert "no certificate" in run("calibrate", "check", other, "-c", labels).complaint
    level = run("calibrate", "check", other, "-c", certificate, "--significance", "0").complaint
    assert level.startswith("--significance: expected")
