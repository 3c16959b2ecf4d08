"""Amounts and frequencies as people write them, in eight languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.interactions.dose import Dose, parse
from wardround.agents.interactions.folding import fold


def read(text: str) -> Dose | None:
    folded = fold(text)
    return parse(folded, 0, len(folded))


@pytest.mark.parametrize(
    ("text", "single", "daily"),
    [
        ("500 mg three times a day", 500, 1500),
        ("2 tablets of 500 mg every 6 hours", 1000, 4000),
        ("two 325 mg tablets every 4 to 6 hours", 650, 3900),
        ("take 2 500 mg tablets", 1000, None),
        ("half a 10 mg tablet twice daily", 5, 10),
        ("2 x 500 mg 4 times a day", 1000, 4000),
        ("1,000 mg twice daily", 1000, 2000),
        ("3.375 g every 6 hours", 3375, 13500),
        ("5-10 mg bid", 10, 20),
        ("100 mg q8h prn", 100, 300),
        ("25 mg every other day", 25, 12.5),
        ("150 µg twice a day", 0.15, 0.3),
        ("50 mg 1-0-1", 50, 100),
        ("250 mg/5 mL, 10 mL twice daily", 500, 1000),
        ("7.5 mL of the 100 mg/5 mL suspension every 8 hours", 150, 450),
        ("2 teaspoons (160 mg/5 mL) every 4 hours", 320, 1920),
        ("0.3 mL of 1 mg/mL", 0.3, None),
        ("1.000 mg zweimal täglich", 1000, 2000),
        ("500 mg alle 8 Stunden", 500, 1500),
        ("500 mg cada 8 horas", 500, 1500),
        ("850 mg de 8 em 8 horas", 850, 2550),
        ("500 mg tre volte al giorno", 500, 1500),
        ("500 mg três vezes ao dia", 500, 1500),
        ("500 mg 3 fois par jour", 500, 1500),
        ("1 g toutes les 6 heures", 1000, 4000),
        ("每次500毫克，每日三次", 500, 1500),
        ("每8小时 500 mg", 500, 1500),
        ("दिन में दो बार 500 मिलीग्राम", 500, 1000),
        ("500 मिलीग्राम हर 8 घंटे", 500, 1500),
    ],
)
def test_a_dose_and_what_a_day_adds_up_to(text: str, single: float, daily: float | None) -> None:
    dose = read(text)
    assert dose is not None and dose.single_mg == pytest.approx(single)
    assert dose.daily_mg == (None if daily is None else pytest.approx(daily))


@pytest.mark.parametrize(
    ("text", "daily"),
    [
        ("5 mg daily", 5), ("once daily 5 mg", 5), ("0,5 mg al día", 0.5), ("1 000 mg par jour", 1000),
        ("15 mg/day", 15), ("每天一次 5 毫克", 5), ("5 mg täglich", 5), ("5 mg ogni giorno", 5),
        ("प्रतिदिन 5 मिलीग्राम", 5),
    ],
)  # fmt: skip
def test_once_a_day_is_a_daily_total(text: str, daily: float) -> None:
    dose = read(text)
    assert dose is not None and dose.daily_stated and dose.daily_mg == pytest.approx(daily)


@pytest.mark.parametrize(
    "text",
    [
        "15 mg once a week", "15 mg every week", "7.5 mg on Mondays", "15 mg una vez por semana", "15 mg wöchentlich",
        "15 mg une fois par semaine", "15 mg una volta alla settimana", "15 mg uma vez por semana", "每周一次 15 mg",
        "सप्ताह में एक बार 15 mg", "1 mg/week", "2 mg every 3 months",
    ],
)  # fmt: skip
def test_weekly_or_rarer_is_no_daily_dose(text: str) -> None:
    dose = read(text)
    assert dose is not None and dose.weekly and not dose.daily_stated and dose.daily_mg is None


def test_per_kilogram_and_units_and_rates() -> None:
    per_dose, per_day = read("10 mg/kg every 6 hours"), read("15 mg/kg/day")
    assert per_dose is not None and per_dose.per_kg and (per_dose.single_mg, per_dose.daily_mg) == (10, 40)
    assert per_day is not None and per_day.per_kg and (per_day.single_mg, per_day.daily_mg) == (None, 15)
    insulin = read("40 units at bedtime")
    assert insulin is not None and insulin.units and insulin.daily_mg == 40
    assert read("0.25 mcg/kg/min") is None and read("2 puffs") is None and read("mg") is None


def test_error_prone_notation_is_noted() -> None:
    trailing, naked, sound = read("5.0 mg daily"), read(".5 mg daily"), read("0.5 mg daily")
    assert trailing is not None and trailing.trailing_zero and trailing.daily_mg == 5
    assert naked is not None and naked.naked_point and naked.daily_mg == 0.5
    assert sound is not None and not (sound.trailing_zero or sound.naked_point)


def test_a_stated_amount_that_the_volume_contradicts_is_seen() -> None:
    dose = read("5 mg (2.5 mL of the 20 mg/mL solution)")
    assert dose is not None and dose.single_mg == 5 and dose.computed_mg == 50


@settings(max_examples=200, deadline=None)
@given(
    amount=st.integers(1, 4000),
    unit=st.sampled_from([("mg", 1.0), ("g", 1000.0), ("mcg", 0.001), ("毫克", 1.0), ("मिलीग्राम", 1.0)]),
    times=st.integers(2, 6),
    space=st.sampled_from(["", " ", "\u00a0"]),
)
def test_amount_times_frequency_is_the_day(amount: int, unit: tuple[str, float], times: int, space: str) -> None:
    word, size = unit
    dose = read(f"{amount}{space}{word} {times} times a day")
    assert dose is not None and dose.daily_mg == pytest.approx(amount * size * times)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    read(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["5", "mg", "/", "mL", "-", "every", "kg", "day", "2", "tablets", "1/0", ".", ",", "q"]))
)
def test_no_row_of_dose_words_breaks_the_parser(words: list[str]) -> None:
    read(" ".join(words))
