"""Doses of a text as facts: whose they are, and the row of the tables on which they stand. Judges no patient.

A dose stands where neither the single nor the daily amount is above the labelled maximum, and where it is of a size in
which the drug is sold: a strength, half of one, or up to four tablets of it. Nothing per kilogram stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from wardround.policies.finding import Citation

from ..ports import Formulary, StoredPassage, TabledDose, UnknownDrug
from .agent import Tables, tables
from .dose import Dose
from .limits import DoseRow
from .patient import TOPICAL
from .quantities import lexer
from .regimens import LIMITING, exceeds, row_of
from .stance import Reading, read
from .stated import Stated, is_measured, stated_doses
from .strengths import Strengths, is_a_dose, same, strengths
from .told import RowFinder
from .unknown import NameHunter, name_hunter

_ONCE_REACH = 25
"""Characters behind an amount in which `once` may stand."""
_ONCE = re.compile(r"\b(?:once|una vez|uma vez|une fois|einmal)\b|一次|\u090f\u0915 \u092c\u093e\u0930")


class TableFormulary:
    """The drug tables of the interactions agent as a `Formulary`. Thread-safe."""

    def __init__(self, known: Tables, sizes: Strengths, hunter: NameHunter) -> None:
        self._known = known
        self._sizes = sizes
        self._hunter = hunter
        self._rows = RowFinder(known)

    def doses(self, text: str, language: str) -> Sequence[TabledDose]:
        """Every dose that the text states, in order."""
        reading = read("draft", text, self._known.finder, self._known.cue_finder(language))
        return [self._tabled(reading, stated) for stated in stated_doses(reading)]

    def unknown_drugs(self, text: str, language: str) -> Sequence[UnknownDrug]:
        """Words used as names of medicines that no table knows, in order."""
        return self._hunter.find(text, self._known.finder.find(text), language)

    def facts(self, text: str, language: str) -> Sequence[StoredPassage]:
        """Rows about the drugs that the text names exactly, in English, nearest first; names of any language."""
        del language
        return self._rows.find(text)

    def _tabled(self, reading: Reading, stated: Stated) -> TabledDose:
        dose = stated.dose
        return TabledDose(
            dose.start, dose.end, stated.ingredients, None if stated.parts else dose.single_mg,
            None if stated.parts else dose.daily_mg, dose.units, self._citation(reading, stated),
        )  # fmt: skip

    def _citation(self, reading: Reading, stated: Stated) -> Citation | None:
        if stated.dose.per_kg or is_measured(reading.folded, stated.dose.end):
            return None
        if len(stated.ingredients) != 1:
            return self._of_combination(stated)
        row = self._row(stated.ingredients[0], stated.around)
        sizes = [size[0] for size in self._sizes.of(stated.ingredients, units=stated.dose.units)]
        if row is None or not sizes or stated.dose.units != (row.unit == "units"):
            return None
        limiting = LIMITING.search(reading.folded[max(0, stated.dose.start - 40) : stated.dose.start]) is not None
        behind = reading.folded[stated.dose.end : stated.dose.end + _ONCE_REACH]
        stands = _is_allowed(row, stated) and (
            _of_a_size(stated.dose, _lower(reading.folded, stated.dose), sizes, once=_ONCE.search(behind) is not None)
            or (_is_maximum(row, stated.dose) and (limiting or stated.dose.single_mg is None))
        )
        return _cited([row], sizes) if stands else None

    def _row(self, ingredient: str, around: str) -> DoseRow | None:
        """The maximum by the route that is told, else by the only one that there is."""
        doses = self._known.limits.doses
        found = row_of(ingredient, around, self._known.limits)
        if found is not None or (ingredient, "oral") in doses or TOPICAL.search(around):
            return found
        return doses.get((ingredient, "injection"))

    def _of_combination(self, stated: Stated) -> Citation | None:
        """Each part within its own maximum, and the whole a strength of it; nobody's dose never stands."""
        sizes = self._sizes.of(stated.ingredients)
        rows = [self._row(i, stated.around) for i in stated.ingredients]
        known = [row for row in rows if row is not None]
        if not known or not sizes or stated.dose.units:
            return None
        for size in sizes:
            share = _share(stated, size)
            if share and all(
                row is None or _is_allowed(row, stated._replace(dose=_of_part(stated.dose, amount, share)))
                for row, amount in zip(rows, size, strict=True)
            ):
                return _cited(known, ["/".join(f"{a:g}" for a in size)])
        return None


@lru_cache(maxsize=4)
def formulary(imported: Path | None = None) -> Formulary:
    """The built-in tables, with the names imported into a folder, as a `Formulary`; loaded on first use."""
    known = tables(imported)
    return TableFormulary(known, strengths(), name_hunter(known.vocabulary))


def _is_allowed(row: DoseRow, stated: Stated) -> bool:
    """Within the row, and as often as it says: a weekly dose stands on a weekly row only."""
    if stated.dose.weekly and row.interval != "weekly":
        return False
    return not exceeds(row, stated.dose, stated.around)


def _of_a_size(dose: Dose, lower: float, sizes: Sequence[float], *, once: bool) -> bool:
    """The dose, and the lower end where it is a range (`lower`: its share of the upper), can be made of tablets."""
    of_a_day = dose.single_mg is None and not once
    amount = dose.daily_mg if dose.single_mg is None else dose.single_mg
    return amount is not None and all(is_a_dose(a, sizes, of_a_day=of_a_day) for a in {amount, amount * lower})


def _is_maximum(row: DoseRow, dose: Dose) -> bool:
    amount = dose.daily_mg if dose.single_mg is None else dose.single_mg
    return amount is not None and any(
        same(amount, limit) for limit in (row.max_single_mg, row.max_daily_mg) if limit is not None
    )


def _lower(folded: str, dose: Dose) -> float:
    """The lower end of a range as a share of the upper, 1 where it is none."""
    row = lexer().read(folded, dose.start, dose.end)
    numbers: list[float] = []
    for token in row.tokens:
        if token is not None and "unit" in token.kinds:
            break
        if token is not None and "number" in token.kinds:
            numbers.append(token.kinds["number"])
    return numbers[0] / numbers[-1] if len(numbers) > 1 and 0 < numbers[0] < numbers[-1] else 1.0


def _share(stated: Stated, size: Sequence[float]) -> float:
    """The amount that one tablet of that size has in the text's way of counting; 0 where it is another size.

    Texts write all parts, the first or main one (`Augmentin 875 mg`), or the sum (`co-trimoxazole 960 mg`).
    """
    if stated.parts:
        alike = all(same(a, b) for a, b in zip(sorted(stated.parts), sorted(size), strict=True))
        return stated.parts[0] if alike else 0.0
    amount = stated.dose.daily_mg if stated.dose.single_mg is None else stated.dose.single_mg
    ways = [w for w in (*size, sum(size)) if amount is not None and is_a_dose(amount, [w])]
    return ways[0] if ways else 0.0


def _of_part(dose: Dose, amount: float, share: float) -> Dose:
    """The dose in milligrams of one part of the combination."""
    scale = amount / share
    return replace(
        dose, single_mg=None if dose.single_mg is None else dose.single_mg * scale,
        daily_mg=None if dose.daily_mg is None else dose.daily_mg * scale,
    )  # fmt: skip


def _cited(rows: Sequence[DoseRow], sizes: Sequence[float | str]) -> Citation:
    """The maxima by their source; the locator names limits and strengths."""
    limits = [
        f"{r.ingredient}, {r.route}: at most "
        + " and ".join(
            f"{limit:g} {r.unit} {word}" for limit, word in ((r.max_single_mg, "at once"), (r.max_daily_mg, "a day"))
            if limit is not None
        ) for r in rows
    ]  # fmt: skip
    marketed = ", ".join(s if isinstance(s, str) else f"{s:g}" for s in sizes)
    return Citation(
        source="; ".join(dict.fromkeys(r.source for r in rows)),
        locator=f"{'; '.join(limits)}; marketed as {marketed} {rows[0].unit}",
    )
