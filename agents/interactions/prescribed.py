"""Which dose belongs to which mention: after the name, before the next drug; else directly before the name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .dose import Dose, parse
from .mentions import Mention
from .stance import Reading

_BETWEEN = re.compile(
    r"(?:[\s-]+(?:of|de|d'|dose|iv|po|im|oral|orally|extra[- ]strength|tablets?|pills?|capsules?|"
    r"caplets?|regular[- ]strength|x|\w+ly))*[\s-]*"
)
"""What may stand between a dose and the name that follows it."""
_JOINED = re.compile(r"\s?[/+(-]\s?")
"""What joins the names of one product: their dose stands behind the last of them."""
REACH = 90
"""Characters after a name in which its dose may stand."""


def doses_of(reading: Reading, mention: Mention) -> Dose | None:
    """The dose stated for a mention: after it in its sentence, before the next drug; else directly before it."""
    sentence = next((s for s in reading.sentences if s.start <= mention.start < s.end), None)
    if sentence is None:
        return None
    following = [
        m.start
        for m in sentence.mentions
        if m.start >= mention.end
        and not _same(m, mention)
        and not _JOINED.fullmatch(reading.folded, mention.end, m.start)
        and not (_is_beside(reading, m) and not _has_dose_behind(reading, m, sentence.end))
    ]
    high = min(following[0] if following else sentence.end, mention.end + REACH, sentence.end)
    found = parse(reading.folded, mention.end, high)
    if found is not None and not _belongs(reading, mention, found):
        found = None
    previous = [m.end for m in sentence.mentions if m.end <= mention.start and not _same(m, mention)]
    low = max(previous[-1] if previous else sentence.start, mention.start - 45, sentence.start)
    ahead = parse(reading.folded, low, mention.start)
    if ahead is None or not _BETWEEN.fullmatch(reading.folded, ahead.end, mention.start):
        return found
    tail = parse_frequency_after(reading, ahead, mention, high)
    return tail if found is None or found.start - mention.end > 25 else found


def _belongs(reading: Reading, mention: Mention, dose: Dose) -> bool:
    """Not told of a drug that is only named as company, nor behind a word that opens another thought."""
    between = reading.folded[mention.end : dose.start]
    if _is_beside(reading, mention):
        return _DIRECTLY.fullmatch(between) is not None
    return _ANOTHER_THOUGHT.search(between) is None


def _is_beside(reading: Reading, mention: Mention) -> bool:
    """Named as what something else is taken with."""
    return _BESIDE.search(reading.folded[max(0, mention.start - 30) : mention.start]) is not None


def _has_dose_behind(reading: Reading, mention: Mention, high: int) -> bool:
    found = parse(reading.folded, mention.end, min(high, mention.end + 25))
    return found is not None and _DIRECTLY.fullmatch(reading.folded[mention.end : found.start]) is not None


_BESIDE = re.compile(
    r"\b(?:with|while on|while taking|alongside|besides|together with|if you take|mit|con|avec|com|zu)\s+"
    r"(?:your |the |my |his |her |su |tu |votre |ihrem |seu |sua )?$"
)
_DIRECTLY = re.compile(r"[\s,(]*(?:(?:xl|sr|er|xr|cr|ec|tablets?|capsules?|of|at|ds|sodium|hcl)[\s,(]*){0,2}")
"""What may stand between a drug that is company and its own dose."""
_ANOTHER_THOUGHT = re.compile(
    r"\b(?:since|because|but|although|though|than|whereas|da|weil|denn|aber|porque|ya que|pero|car|parce que|mais|"
    r"perche|ma|pois|mas)\b|\u56e0\u4e3a|\u4f46"
)


def further_doses(reading: Reading, mention: Mention, first: Dose) -> Iterator[Dose]:
    """Doses with a frequency that the same sentence states behind the first one, before the next drug."""
    sentence = next((s for s in reading.sentences if s.start <= mention.start < s.end), None)
    if sentence is None:
        return
    following = [m.start for m in sentence.mentions if m.start >= mention.end and not _same(m, mention)]
    high = min(following[0] if following else sentence.end, sentence.end)
    found = parse(reading.folded, first.end, high)
    while found is not None:
        if found.daily_stated:
            yield found
        found = parse(reading.folded, found.end, high)


def _same(a: Mention, b: Mention) -> bool:
    return a.ingredients == b.ingredients


def parse_frequency_after(reading: Reading, ahead: Dose, mention: Mention, high: int) -> Dose:
    """A dose before the name, with the frequency that follows the name."""
    if ahead.daily_mg is not None or ahead.weekly or ahead.single_mg is None:
        return ahead
    text = f"{ahead.single_mg:.6f} {'units' if ahead.units else 'mg'} " + reading.folded[mention.end : high]
    joined = parse(text, 0, len(text))
    if joined is None or joined.start > 0:
        return ahead
    return Dose(
        ahead.start, ahead.end, joined.single_mg, joined.daily_mg, ahead.per_kg, joined.weekly, joined.daily_stated,
        ahead.units,
    )  # fmt: skip
