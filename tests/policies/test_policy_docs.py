"""`docs/policies.md` names everything that can be written in a policy, and everything lint can say."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from wardround.policies import lint
from wardround.policies.document import (
    MESSAGE_NAMES,
    OWN_KEYS,
    Document,
    Drafting,
    Entry,
    Expectation,
    Queue,
    Rule,
    Specialist,
    Test,
    Validator,
)
from wardround.policies.finding import Action
from wardround.policies.load import load_policy, pack_names
from wardround.policies.variables import CLOSED, MESSAGES, RANKS, VARIABLES

with warnings.catch_warnings():
    # typer imports names that click has begun to deprecate
    warnings.simplefilter("ignore", DeprecationWarning)
    import typer
    from typer.testing import CliRunner

    from wardround.middleware.cli.errors import OneLineErrors
    from wardround.middleware.cli.policy import policy_app

DOCS = Path(__file__).parents[2] / "docs" / "policies.md"
EXAMPLE = re.compile(r"`(\S+)`:\n\n```yaml\n(policy: heart-clinic\n.*?)```", re.DOTALL)
TYPES = {
    "string": "text",
    "int": "whole number",
    "double": "number",
    "bool": "true or false",
    "strings": "list of texts",
}
WORDS = set(re.findall(r"[A-Za-z_][A-Za-z_0-9/-]*", " ".join(re.findall(r"`([^`\n]+)`", DOCS.read_text()))))


@pytest.mark.parametrize("model", [Document, Drafting, Specialist, Validator, Rule, Queue, Test, Expectation])
def test_every_key_of_a_policy_file_is_explained(model: type[Entry]) -> None:
    assert {f.alias or n for n, f in model.model_fields.items()} <= WORDS


def test_every_variable_field_and_word_of_a_condition_is_explained() -> None:
    fields = {name for fields in MESSAGES.values() for name in fields}
    words = {word for field, closed in CLOSED.items() if field != "Patient.sex" for word in closed}
    assert {*VARIABLES, *fields, *RANKS, *words} <= WORDS


def test_every_lint_code_pack_and_message_is_explained() -> None:
    codes = set(re.findall(r'Level\.\w+,\s*"([a-z-]+)"', Path(lint.__file__ or "").read_text()))
    assert len(codes) >= 15
    assert codes | set(pack_names()) | set(MESSAGE_NAMES) <= WORDS


def test_every_variable_stands_in_the_table_with_its_type_and_no_other_does() -> None:
    expected: set[tuple[str, str]] = set()
    for variable, kind in VARIABLES.items():
        prefix = "f" if kind.startswith("[") else variable
        fields = MESSAGES.get(kind.strip("[]"))
        if fields is None:
            expected.add((variable, "text"))
        for field, shape in (fields or {}).items():
            unknown = ", may be unknown" if shape.endswith("?") else ""
            expected.add((f"{prefix}.{field}", TYPES[shape.rstrip("?")] + unknown))
    table = DOCS.read_text().split("| name | type | meaning |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", table, re.MULTILINE)) == expected


def test_every_action_and_every_key_that_an_agent_reads_is_explained() -> None:
    assert {*Action, *OWN_KEYS, *(k for keys in OWN_KEYS.values() for k in keys)} <= WORDS


def test_the_table_of_rules_names_every_rule_of_the_packs_with_its_action_and_queue() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| `([a-z-]+)` \| `([a-z]+)` \| `?([a-z-]*)`? \|", DOCS.read_text(), re.MULTILINE
    )
    shown = {(name, f"wardround/{pack}", action, queue) for name, pack, action, queue in rows}
    written = {
        (r.id, r.origin.source, str(r.action), r.rule.to or "") for p in pack_names() for r in load_policy(p).rules
    }
    changed = {row for row in written if row[1] == "wardround/default" or row[:2] == CHANGED}
    assert shown == written - changed


CHANGED = ("unsourced-drug-or-dose", "wardround/clinician")
"""Rules that a pack inherits and narrows stand in the table under the pack that brings them."""


def test_the_example_lints_and_tests_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ((name, text),) = EXAMPLE.findall(DOCS.read_text())
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    linted, tested, shown = (_run(command, name) for command in ("lint", "test", "show"))
    page = DOCS.read_text()
    assert linted[0] == tested[0] == shown[0] == 0
    assert linted[1].strip() in page
    assert "no test" not in linted[1]
    assert tested[1].strip() in page
    for line in ("policy: heart-clinic", "- id: contraindicated-combination", "then: block"):
        assert any(
            line in row and f"# {name}:" in row and _squeezed(row) in _squeezed(page) for row in shown[1].splitlines()
        )
    Path(name).write_text(text.replace("f.kind in", "f.knd in"))
    code, output = _run("lint", name)
    assert code == 2
    assert output.strip() in page


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _run(command: str, name: str) -> tuple[int, str]:
    """Exit code and all that is printed."""
    app = typer.Typer(cls=OneLineErrors)
    app.add_typer(policy_app, name="policy")
    result = CliRunner().invoke(app, ["policy", command, name])
    return result.exit_code, result.output
