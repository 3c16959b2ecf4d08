"""The tables: every file loads, bad rows are refused with file and line, rules hold in both orders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wardround.agents.interactions.agent import Tables, severity_of_pair, tables
from wardround.agents.interactions.tables import DATA
from wardround.policies.finding import Severity


def test_all_tables_load_and_are_large_enough() -> None:
    known = tables()
    assert len(known.vocabulary.ingredients) > 1_500
    assert sum(n.kind in {"brand", "combination"} for n in known.vocabulary.names.values()) > 4_000
    assert known.pairs.derived_pairs() > 10_000
    assert len({i for i, _ in known.limits.doses}) >= 150


def test_every_member_of_every_class_and_rule_is_a_known_ingredient() -> None:
    known = tables().vocabulary
    alone = {n.ingredients[0] for n in known.names.values() if n.kind == "ingredient"}
    used = {m for members in known.classes.values() for m in members}
    used |= {m for r in tables().pairs.rules for m in (*r.a, *r.b) if not m.startswith("@")}
    assert sorted(used - alone) == []


@pytest.mark.parametrize(
    ("a", "b", "severity"),
    [
        ("Viagra", "isosorbide mononitrate", "contraindicated"),
        ("Nardil", "Zoloft", "contraindicated"),
        ("simvastatin", "Sporanox", "contraindicated"),
        ("Zanaflex", "Cipro", "contraindicated"),
        ("Reyataz", "Prilosec", "contraindicated"),
        ("Paxlovid", "rifampicin", "contraindicated"),
        ("co-trimoxazole", "MTX", "major"),
        ("warfarin", "ibuprofen", "major"),
        ("oxycodone", "Xanax", "major"),
        ("methadone", "ondansetron", "major"),
        ("levothyroxine", "ferrous sulfate", "moderate"),
        ("metoprolol", "ibuprofen", "minor"),
        ("warfarin", "pantoprazole", "minor"),
    ],
)
def test_a_pair_has_its_severity_in_both_orders(a: str, b: str, severity: str) -> None:
    first, second = severity_of_pair(a, b), severity_of_pair(b, a)
    assert first == second
    assert first.severity == Severity(severity)
    assert first.rules and first.citation


@pytest.mark.parametrize(
    ("a", "b"), [("amoxicillin", "acetaminophen"), ("warfarin", "not a drug"), ("lisinopril", "lisinopril")]
)
def test_a_pair_without_a_rule_has_no_severity(a: str, b: str) -> None:
    assert severity_of_pair(a, b).severity is None


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("pairs/effects/rules.yaml", "- {id: x.bad, a: [warfarin], b: [aspirin], severity: awful, mechanism: m,"
         " effect: e, manage: n, source: s, date: '2026'}", "severity"),
        ("pairs/effects/rules.yaml", "- {id: x.lost, a: ['@nowhere'], b: [aspirin], severity: major, mechanism: m,"
         " effect: e, manage: n, source: s, date: '2026'}", "@nowhere"),
        ("pairs/kinetics/rules.yaml", "- {id: x.undated, a: [warfarin], b: [aspirin], severity: major, mechanism: m,"
         " effect: e, manage: n, source: s}", "date"),
        ("pairs/kinetics/rules.yaml", "- {id: x.broken, a: [warfarin", "not valid YAML"),
        ("doses/maxima.csv", "aspirin,rectal,1,2,,,,,,somewhere,2026", "route"),
        ("vocabulary/names.csv", "Nothing,no such ingredient,brand,somewhere,2026", "no such ingredient"),
        ("classes/therapeutic.yaml", "- {id: x, source: s, date: '2026', members: ['@x']}", "@x"),
        ("patient/allergies.yaml", "- {id: x.bad, allergen: a, names: [], ingredients: [], source: s, date: '2026'}",
         "reacts"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_with_file_line_and_reason_and_the_rest_loads(
    tmp_path: Path, file: str, line: str, reason: str
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    with (folder / file).open("a", encoding="utf-8") as out:
        out.write(line + "\n")
    number = len((folder / file).read_text(encoding="utf-8").splitlines())
    known = Tables(folder)
    assert [r.place for r in known.refused] in ([f"{file}:{number}"], [f"{file}:{number + 1}"])
    assert reason in known.refused[0].reason
    assert known.pairs.verdict(("warfarin",), ("ibuprofen",)).severity is Severity.MAJOR
    assert len(known.pairs.rules) == len(tables().pairs.rules)


def test_the_tables_of_the_package_have_no_bad_row() -> None:
    assert tables().refused == ()
