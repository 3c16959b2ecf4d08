"""Reviewers' labels teach one head: the others stay, the files belong together, a bad line is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wardround.agents.safety.encoder import MODEL
from wardround.agents.safety.heads import Heads
from wardround.agents.weights import checked
from wardround.alignment import __main__ as recipes
from wardround.policies.errors import WardroundError


def _reviewed(folder: Path, *extra: str) -> Path:
    rows = [{"text": f"Entry {n}: the ferry to the island is late again", "label": n % 2} for n in range(60)]
    path = folder / "reviewed.jsonl"
    path.write_text("\n".join((*map(json.dumps, rows), *extra)) + "\n", encoding="utf-8")
    return path


def test_one_head_changes_and_the_files_belong_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "OWN_TEXTS", 400)
    recipes.retrain("crisis", _reviewed(tmp_path), tmp_path / "out")
    before = Heads.model_validate_json((MODEL / "heads.json").read_bytes())
    after = Heads.model_validate_json(checked(tmp_path / "out", "heads.json").read_bytes())
    assert {name for name in before.heads if before.heads[name] != after.heads[name]} == {"crisis"}
    assert after.encoder == before.encoder
    assert checked(tmp_path / "out", "encoder.onnx").exists() and checked(tmp_path / "out", "tokenizer.json").exists()


def test_a_line_that_is_no_label_is_named(tmp_path: Path) -> None:
    with pytest.raises(WardroundError, match=r"reviewed\.jsonl:61: expected"):
        recipes.retrain("crisis", _reviewed(tmp_path, '{"text": "no label"}'), tmp_path / "out")


def test_an_unknown_head_is_named(tmp_path: Path) -> None:
    with pytest.raises(WardroundError, match="unknown head 'crises'"):
        recipes.retrain("crises", _reviewed(tmp_path), tmp_path / "out")
