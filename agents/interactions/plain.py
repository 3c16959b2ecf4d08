"""Plain words for patients: what may happen, and what to do, at about the level of a leaflet. English only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from wardround.policies.finding import Severity

from .tables import Reader, Row

_TODO = {
    Severity.CONTRAINDICATED: "Do not take them together. Call your doctor or pharmacist now.",
    Severity.MAJOR: "Talk to your doctor or pharmacist before you take them together.",
    Severity.MODERATE: "Tell your doctor or pharmacist that you take both.",
    Severity.MINOR: "Usually nothing needs to change.",
}
_TODO_ALONE = {
    Severity.CONTRAINDICATED: "Do not take it. Call your doctor or pharmacist now.",
    Severity.MAJOR: "Talk to your doctor or pharmacist before you take it.",
    Severity.MODERATE: "Ask your doctor or pharmacist about it.",
    Severity.MINOR: "Usually nothing needs to change.",
}
_UNSPECIFIC = "can cause harm"


class _PlainRow(Row):
    id: str
    match: tuple[str, ...]
    plain: str


def of_pair(a: str, b: str, effect: str, mechanism: str, severity: Severity) -> str:
    """Two sentences on two drugs together."""
    return f"Taking {a} and {b} together {_harm(effect, mechanism)}. {_TODO[severity]}"


def of_one(drug: str, effect: str, severity: Severity, because: str = "") -> str:
    """Two sentences on one drug in this person; `because`: `with your liver disease`."""
    who = f"Taking {drug} {because}".rstrip()
    return f"{who} {_harm(effect, '')}. {_TODO_ALONE[severity]}"


def _harm(effect: str, mechanism: str) -> str:
    for text in (effect.lower(), mechanism.lower()):
        found = next((row.plain for row in _rows() if any(word in text for word in row.match)), None)
        if found is not None:
            return found
    return _UNSPECIFIC


@cache
def _rows() -> tuple[_PlainRow, ...]:
    rows: Iterable[tuple[str, _PlainRow]] = Reader().yaml("language/plain.yaml", _PlainRow)
    return tuple(row for _, row in rows)
