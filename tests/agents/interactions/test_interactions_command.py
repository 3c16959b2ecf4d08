"""`wardround interactions`: names on the command line, files of pairs, errors in one line."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

with warnings.catch_warnings():
    # typer imports names that click has begun to deprecate
    warnings.simplefilter("ignore", DeprecationWarning)
    import typer
    from typer.testing import CliRunner

    from wardround.middleware.cli.interactions import interactions

app = typer.Typer()
app.command()(interactions)
run = CliRunner()


def test_names_are_judged_in_every_pair() -> None:
    result = run.invoke(app, ["warfarin", "Advil", "metformin", "--json"])
    found = {(r["drug_a"], r["drug_b"]): r["severity"] for r in json.loads(result.stdout)}
    assert found == {("warfarin", "Advil"): "major", ("warfarin", "metformin"): "none", ("Advil", "metformin"): "none"}


def test_a_file_of_pairs_comes_back_with_the_names_as_given(tmp_path: Path) -> None:
    source = tmp_path / "pairs.csv"
    source.write_text("drug_a,drug_b\nViagra,GTN\nfoo,bar\n", encoding="utf-8")
    lines = run.invoke(app, ["--pairs", str(source)]).stdout.splitlines()
    assert lines[0] == "drug_a,drug_b,severity,rules,mechanism,citation"
    assert lines[1].startswith("Viagra,GTN,contraindicated,label.nitrate-pde5,")
    assert lines[2] == "foo,bar,none,,,"


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n", encoding="utf-8")
    for arguments in (["warfarin"], ["warfarin", "nosuchdrug"], ["--pairs", str(bad)], [], ["--pairs", "absent.csv"]):
        result = run.invoke(app, arguments)
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
