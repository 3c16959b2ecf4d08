"""`policy show`: the merged policy with origins, and that it reads back as the same law."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardround.policies.load import load_policy, pack_names
from wardround.policies.show import render, show_lines, show_values


@pytest.mark.parametrize("name", pack_names())
def test_what_is_shown_reads_back_as_the_same_law(tmp_path: Path, name: str) -> None:
    policy = load_policy(name)
    path = tmp_path / "shown.yaml"
    path.write_text("\n".join(line.text for line in show_lines(policy)))
    assert load_policy(str(path)).digest == policy.digest
    path.write_text(render(policy, with_tests=True))
    again = load_policy(str(path))
    assert again.digest == policy.digest
    assert again.document.tests == policy.document.tests


def test_each_value_names_the_line_that_gave_it(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "policy: p\nversion: 1\nextends: [wardround/base]\nrules:\n"
        "  - id: agent-failure\n    then: block\nmessages:\n  block: 'no: never'\n"
    )
    values = {v.path: v for v in show_values(load_policy(str(path)))}
    assert values["rules[agent-failure].then"].origin == f"{path}:6"
    assert values["rules[agent-failure].then"].value == "block"
    assert values["rules[agent-failure].when"].origin.startswith("wardround/base:")
    assert values["messages.block"].value == "no: never"
    assert values["messages.hold.en"].origin.startswith("wardround/base:")
    assert not any(p.startswith("extends") for p in values)
