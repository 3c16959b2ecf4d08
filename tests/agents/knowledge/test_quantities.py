"""Numbers with units: reading and comparing them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.agents.knowledge.quantities import Bound, Quantity, agree, find_quantities

Row = tuple[str, str, tuple[tuple[str, float, float], ...]]

READ: list[Row] = [
    ("Take 500 mg twice daily for 5 days.", "en", (("mass", 500, 500), ("frequency", 2, 2), ("duration", 120, 120))),
    ("0.5 g equals 500,000 mcg", "en", (("mass", 500, 500), ("mass", 500, 500))),
    ("every 6 to 8 hours", "en", (("frequency", 3, 4),)),
    ("5 mg q12h", "en", (("mass", 5, 5), ("frequency", 2, 2))),
    ("half an hour", "en", (("duration", 0.5, 0.5),)),
    ("between 5 and 10 mg", "en", (("mass", 5, 10),)),
    ("20, 40 or 80 mg", "en", (("mass", 20, 20), ("mass", 40, 40), ("mass", 80, 80))),
    ("below 140/90 mmHg", "en", (("pressure systolic", 140, 140), ("pressure diastolic", 90, 90))),
    ("eGFR ≥30 to <60 mL/min", "en", (("volume/min", 30, 60),)),
    ("15 mg/kg/day", "en", (("mass/kg", 15, 15),)),
    ("0,5 mg cada 8 horas, dos veces al día", "es", (("mass", 0.5, 0.5), ("frequency", 3, 3), ("frequency", 2, 2))),
    ("1 000 mg trois fois par jour", "fr", (("mass", 1000, 1000), ("frequency", 3, 3))),
    (
        "zweimal täglich 1.000 mg, alle 8 Stunden",
        "de",
        (("frequency", 2, 2), ("mass", 1000, 1000), ("frequency", 3, 3)),
    ),
    ("a cada 6 horas por 10 dias", "pt", (("frequency", 4, 4), ("duration", 240, 240))),
    ("每日两次，每次500毫克，服用7天", "zh", (("frequency", 2, 2), ("mass", 500, 500), ("duration", 168, 168))),
    ("दिन में दो बार 500 मिलीग्राम", "hi", (("frequency", 2, 2), ("mass", 500, 500))),
    ("in 2019 the vitamin B12 level was checked", "en", ()),
    ("no numbers here", "en", ()),
]


@pytest.mark.parametrize(("text", "language", "expected"), READ, ids=[r[0][:40] for r in READ])
def test_a_quantity_is_read_in_base_units(
    text: str, language: str, expected: tuple[tuple[str, float, float], ...]
) -> None:
    found = find_quantities(text, language)
    assert [q.dimension for q in found] == [e[0] for e in expected]
    assert [(q.low, q.high) for q in found] == [pytest.approx((e[1], e[2])) for e in expected]


@pytest.mark.parametrize(
    ("claim", "source", "same"),
    [
        ("2 g", "2,000 mg", True),
        ("7 weeks", "6 to 8 weeks", True),
        ("6 to 8 weeks", "6 to 12 weeks", True),
        ("6 to 14 weeks", "6 to 12 weeks", False),
        ("4 weeks", "1 month", True),
        ("50 mg", "25 mg", False),
        ("5 mg", "5 mcg", False),
        ("at least 4 hours", "4 hours or more", True),
        ("at least 2 hours", "at least 4 hours", False),
        ("below 60 mmHg", "above 60 mmHg", False),
        ("3 g", "at most 4 g", True),
        ("5 g", "at most 4 g", False),
        ("every 12 hours", "twice a day", True),
        ("three times a day", "twice a day", False),
        ("12 hours", "12 mg", False),
    ],
)
def test_two_quantities_agree_only_when_the_claim_says_nothing_else(claim: str, source: str, same: bool) -> None:
    assert agree(find_quantities(claim)[0], find_quantities(source)[0]) is same


@given(st.text(max_size=200))
def test_any_text_is_read_without_failing_and_spans_lie_inside_it(text: str) -> None:
    for quantity in find_quantities(text):
        assert 0 <= quantity.start <= quantity.end <= len(text)
        assert quantity.low <= quantity.high


@given(st.floats(min_value=0.001, max_value=1e6), st.floats(min_value=1.05, max_value=10))
def test_a_quantity_agrees_with_itself_and_not_with_a_multiple(value: float, factor: float) -> None:
    one = Quantity("mass", value, value, Bound.EXACT, 0, 1)
    other = Quantity("mass", value * factor, value * factor, Bound.EXACT, 0, 1)
    assert agree(one, one)
    assert not agree(one, other)
