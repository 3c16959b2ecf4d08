"""`docs/policies.md` names everything that can be written in a policy, and everything lint can say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wardround.policies import lint
from wardround.policies.document import (
    MESSAGE_NAMES,
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
from wardround.policies.load import pack_names
from wardround.policies.variables import CLOSED, MESSAGES, RANKS, VARIABLES

DOCS = Path(__file__).parents[2] / "docs" / "policies.md"
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
