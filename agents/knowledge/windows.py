"""Which few sentences of a passage a claim is read beside: the verifier's network reads little at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .retrieve import Passage
from .statement import Statement

WINDOW_WORDS = 75
"""Words of a window at most, about 110 tokens: so many the network reads beside a claim."""
NEIGHBOUR = 0.35
"""What a shared word counts in a neighbouring sentence."""


class Window(NamedTuple):
    """Consecutive sentences of one passage."""

    passage: Passage
    text: str
    score: float
    """Weight of the words shared with the claim."""
    statements: tuple[Statement, ...] = ()
    """Its sentences, compiled."""


def windows(claim: Statement, passages: Sequence[Passage], *, most: int) -> list[Window]:
    """The stretches that share most with the claim, best first, at most `most`, none twice; all that is short enough
    to be read whole counts as one stretch. Deterministic: ties go by the order of passages and sentences."""
    weights = {t.key: t.weight for t in claim.tokens}
    found = [w for p in passages for w in _of(p, weights, most)]
    return sorted(found, key=lambda w: -w.score)[:most]


def _of(passage: Passage, weights: dict[str, float], most: int) -> list[Window]:
    sizes = [len(s.text.split()) for s in passage.statements]
    shares = [sum(w for k, w in weights.items() if k in s.keys) for s in passage.statements]
    if sum(sizes) <= WINDOW_WORDS:
        text = " ".join(s.text.strip() for s in passage.statements)
        score = _covered(passage.statements, weights)
        return [Window(passage, text, score, passage.statements)] if text else []
    left = set(range(len(sizes)))
    found: list[Window] = []
    while left and len(found) < most:
        centre = max(left, key=lambda i: (_worth(shares, i), -i))
        first, last = _grown(centre, sizes, shares, left)
        left -= set(range(first, last + 1))
        taken = passage.statements[first : last + 1]
        text = " ".join(s.text.strip() for s in taken)
        found.append(Window(passage, text, _covered(taken, weights), taken))
    return found


def _worth(shares: Sequence[float], i: int) -> float:
    around = (shares[i - 1] if i else 0.0) + (shares[i + 1] if i + 1 < len(shares) else 0.0)
    return shares[i] + NEIGHBOUR * around


def _grown(centre: int, sizes: Sequence[int], shares: Sequence[float], free: set[int]) -> tuple[int, int]:
    """The sentence with the neighbours that still fit, the better one first; what was read before is left out."""
    first = last = centre
    words = sizes[centre]
    while True:
        beside = [i for i in (first - 1, last + 1) if i in free and words + sizes[i] <= WINDOW_WORDS]
        if not beside:
            return first, last
        best = max(beside, key=lambda i: (shares[i], -i))
        words += sizes[best]
        first, last = min(first, best), max(last, best)


def _covered(statements: Sequence[Statement], weights: dict[str, float]) -> float:
    keys = frozenset[str]().union(*(s.keys for s in statements))
    return sum(w for k, w in weights.items() if k in keys)
