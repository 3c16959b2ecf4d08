"""`wardround policy …`: output, JSON, exit codes, one-line errors."""

from __future__ import annotations

import json
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no stubs

from wardround.policies.load import PACKS, pack_names
from wardround.policies.source import plain, read

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


@pytest.mark.parametrize("command", ["lint", "test"])
def test_a_broken_file_among_several_does_not_hide_what_is_wrong_with_the_others(
    command: str, failing: str, tmp_path: Path
) -> None:
    broken, missing = tmp_path / "broken.yaml", tmp_path / "missing.yaml"
    broken.write_text("policy: b\nversion: 1\nruls: []\n")
    result = run(command, str(broken), failing, str(missing))
    assert result.exit_code == 2
    assert failing in result.stdout or command == "lint"
    refusals = [line for line in result.stderr.splitlines() if line.startswith("wardround: ")]
    assert [str(broken) in refusals[0], str(missing) in refusals[1], len(refusals)] == [True, True, 2]
    shown = json.loads(run(command, str(broken), failing, "--json").stdout)
    assert [r["policy"] for r in shown["refused"]] == [str(broken)]


def test_junit_counts_a_policy_that_cannot_be_loaded_as_an_error(failing: str, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("policy: b\nversion: 1\nruls: []\n")
    out = tmp_path / "out.xml"
    assert run("test", failing, str(tmp_path / "broken.yaml"), "--junit", str(out)).exit_code == 2
    suites = ET.parse(out).getroot()  # noqa: S314 - written by us
    assert [(s.get("failures"), s.get("errors")) for s in suites] == [("1", "0"), ("0", "1")]
    assert "unknown key 'ruls'" in (suites[1][0][0].get("message") or "")


def test_the_schema_is_valid_and_accepts_every_pack_and_refuses_a_misspelt_key() -> None:
    schema = json.loads(run("schema").stdout)
    Draft202012Validator.check_schema(schema)
    validator: Any = Draft202012Validator(schema)
    for path in sorted(PACKS.glob("*.yaml")):
        document = plain(read(path.read_text(), path.name))
        assert list(validator.iter_errors(document)) == [], path.name
        assert isinstance(document, dict)
        assert not validator.is_valid({**document, "ruls": []})
        assert not validator.is_valid({**document, "mode": "shadwo"})


def test_a_junit_file_that_cannot_be_written_is_one_line_and_exit_2(failing: str, tmp_path: Path) -> None:
    result = run("test", failing, "--junit", str(tmp_path / "no" / "out.xml"))
    assert result.exit_code == 2
    assert "--junit" in result.stderr


def test_our_detectors_count_as_installed_and_unknown_names_do_not() -> None:
    assert validator_installed("wardround/phi")
    assert not validator_installed("wardround/nothing")
    assert not validator_installed("guardrails/certainly_not_there")
