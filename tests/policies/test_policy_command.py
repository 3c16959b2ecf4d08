"""`wardround policy …`: output, JSON, exit codes, one-line errors."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from click.testing import Result

from wardround.policies.load import pack_names

with warnings.catch_warnings():
    # typer imports names that click has begun to deprecate
    warnings.simplefilter("ignore", DeprecationWarning)
    import typer
    from typer.testing import CliRunner

    from wardround.middleware.cli.errors import OneLineErrors
    from wardround.middleware.cli.policy import policy_app, validator_installed

FAILING = """
policy: p
version: 1
extends: [wardround/base]
rules:
  - {id: r, when: 'audience == "patient"', then: annotate}
tests:
  - {name: it blocks, audience: patient, request: q, findings: [], expect: {action: block, rule: r}}
"""


def run(*args: str) -> Result:
    """The command as the program runs it."""
    app = typer.Typer(cls=OneLineErrors)
    app.add_typer(policy_app, name="policy")
    return CliRunner().invoke(app, ["policy", *args])


@pytest.fixture
def failing(tmp_path: Path) -> str:
    """A policy with a failing test."""
    (tmp_path / "p.yaml").write_text(FAILING)
    return str(tmp_path / "p.yaml")


def test_the_packs_lint_and_test_clean() -> None:
    assert run("lint", *pack_names()).exit_code == 0
    tested = run("test", *pack_names())
    assert tested.exit_code == 0
    assert "wardround/crisis: 7 passed" in tested.stdout


def test_a_failing_test_exits_1_with_its_difference_and_junit(failing: str, tmp_path: Path) -> None:
    result = run("test", failing, "wardround/base", "--junit", str(tmp_path / "out.xml"))
    assert result.exit_code == 1
    assert "FAIL  it blocks" in result.stdout
    assert "expected block, got annotate" in result.stdout
    assert '<failure message="action   expected block, got annotate">' in (tmp_path / "out.xml").read_text()


def test_lint_problems_exit_1_and_name_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("policy: p\nversion: 1\nrules:\n  - {id: r, when: 1 == 1, then: annotate}\n")
    result = run("lint", str(tmp_path / "p.yaml"))
    assert result.exit_code == 1
    assert f"{tmp_path / 'p.yaml'}:4: error constant-condition" in result.stdout
    shown = json.loads(run("lint", str(tmp_path / "p.yaml"), "--json").stdout)
    assert {p["code"] for p in shown["problems"]} == {"constant-condition", "no-tests"}


def test_json_of_test_show_and_schema_can_be_read(failing: str) -> None:
    tested = json.loads(run("test", failing, "--json").stdout)
    assert tested["policies"][0]["tests"][0]["status"] == "fail"
    shown = json.loads(run("show", failing, "--json").stdout)
    assert shown["digest"].startswith("sha256:")
    assert {"path": "rules[r].then", "value": "annotate", "origin": f"{failing}:6"} in shown["values"]
    assert json.loads(run("schema").stdout)["title"] == "Wardround policy"


def test_show_prints_each_line_with_its_origin(failing: str) -> None:
    lines = run("show", failing).stdout.splitlines()
    assert any(line.startswith("  - id: agent-failure") and "# wardround/base:" in line for line in lines)
    assert not any("it blocks" in line for line in lines)
    assert "it blocks" in run("show", failing, "--tests").stdout


@pytest.mark.parametrize("command", ["lint", "test", "show"])
def test_a_policy_that_cannot_be_loaded_is_one_line_and_exit_2(command: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("policy: p\nversion: 1\nruls: []\n")
    for name in ("nowhere.yaml", "wardround/nothing", str(tmp_path / "p.yaml")):
        result = run(command, name)
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
        assert "Traceback" not in result.output


def test_a_junit_file_that_cannot_be_written_is_one_line_and_exit_2(failing: str, tmp_path: Path) -> None:
    result = run("test", failing, "--junit", str(tmp_path / "no" / "out.xml"))
    assert result.exit_code == 2
    assert "--junit" in result.stderr


def test_our_detectors_count_as_installed_and_unknown_names_do_not() -> None:
    assert validator_installed("wardround/phi")
    assert not validator_installed("wardround/nothing")
    assert not validator_installed("guardrails/certainly_not_there")
