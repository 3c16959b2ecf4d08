"""LOINC codes of the observations that bear on drugs, and the units in which they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WITHOUT_UNIT = "1"
"""UCUM code of a number without a unit."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A field of the patient, or a lab name, and the factor from each unit to the field's own."""

    field: str
    factors: Mapping[str, float]


_EGFR = Measure("egfr_ml_min", {"mL/min/{1.73_m2}": 1, "mL/min/1.73m2": 1, "mL/min": 1, "mL/min/1.73_m2": 1})
_WEIGHT = Measure("weight_kg", {"kg": 1, "g": 0.001, "[lb_av]": 0.45359237, "lb": 0.45359237, "lbs": 0.45359237})
_SALT = {"mmol/L": 1.0, "meq/L": 1.0, "mEq/L": 1.0}
_COUNT = {"10*9/L": 1.0, "10*3/uL": 1.0, "10^9/L": 1.0, "10^3/uL": 1.0, "/uL": 0.001}
_INR = Measure("inr", {"1": 1, "{INR}": 1, "INR": 1, "ratio": 1})
_PULSE = Measure("heart_rate_bpm", {"/min": 1, "{beats}/min": 1, "bpm": 1, "beats/minute": 1})

NUMBERS: Mapping[str, Measure] = {
    **dict.fromkeys(
        ("33914-3", "48642-3", "48643-1", "62238-1", "69405-9", "77147-7", "88293-6", "88294-4", "98979-8", "50210-4",
         "2164-2"), _EGFR,
    ),
    **dict.fromkeys(("29463-7", "3141-9"), _WEIGHT),
    **dict.fromkeys(("2823-3", "6298-4"), Measure("potassium_mmol_l", _SALT)),
    **dict.fromkeys(("2951-2", "2947-0"), Measure("sodium_mmol_l", _SALT)),
    **dict.fromkeys(("19123-9", "2601-3"), Measure("magnesium_mmol_l", {"mmol/L": 1, "mg/dL": 0.4114, "meq/L": 0.5})),
    **dict.fromkeys(("2160-0", "14682-9"), Measure("creatinine_umol_l", {"umol/L": 1, "mg/dL": 88.42})),
    "8636-3": Measure("qtc_ms", {"ms": 1, "s": 1000}),
    **dict.fromkeys(("6301-6", "34714-6"), _INR),
    "8867-4": _PULSE,
    "8480-6": Measure("systolic_mmhg", {"mm[Hg]": 1, "mmHg": 1}),
    **dict.fromkeys(("777-3", "26515-7"), Measure("platelets_10e9_l", _COUNT)),
    **dict.fromkeys(("751-8", "26499-4"), Measure("neutrophils_10e9_l", _COUNT)),
    "1742-6": Measure("alt_u_l", {"U/L": 1, "[IU]/L": 1}),
    **dict.fromkeys(("2345-7", "2339-0", "14749-6"), Measure("glucose_mmol_l", {"mmol/L": 1, "mg/dL": 0.0555})),
    "14334-7": Measure("lithium_mmol_l", _SALT),
    "10535-3": Measure("digoxin_ng_ml", {"ng/mL": 1, "ug/L": 1, "nmol/L": 0.7809}),
}  # fmt: skip
"""LOINC code to measure. A result in a unit that is not listed is left unknown, never guessed."""
