"""The lowest threshold at which the rate of unsupported claims among those released is bounded. How it drifts: `drift`.

Learn-then-test (Angelopoulos et al. 2021, "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk
Control"), by MAPIE: for each threshold of a fixed grid the hypothesis "more than alpha of the claims released here are
unsupported" is tested, from the strictest threshold on, until one cannot be rejected (fixed sequence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from wardround.agents.knowledge.certificate import FORMAT, Certificate, Certified, Refused
from wardround.policies.errors import InputError

from .labels import GroupKey, Label, Labels

METHOD = (
    "learn then test, binary Hoeffding-Bentkus p-values (exact binomial), fixed sequence from strict to lax; "
    "one claim a round"
)
TOP = (0.999, 0.998, 0.995)
"""Thresholds above 0.99, where a verifier that is sure of itself has most of its claims."""
STEP = 0.01
"""Between thresholds from 0.99 on down."""
FIRST_SHARE = 4
"""The first threshold that is tested releases one in so many of the claims above the floor, but no more than are needed
to bear half the rate alpha."""
LATER_SHARE = 20
"""And one in so many in any case: of many thousand labels, a few at the top must not decide."""
MOST_LABELS = 1_000_000
"""Where the search for the number of labels ends."""
_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is to be promised."""

    alpha: float = 0.05
    """Highest share of unsupported claims among those released."""
    delta: float = 0.1
    """Probability that the promise fails to hold."""
    floor: float = 0.5
    """No threshold lies lower: what the verifier itself finds more likely unsupported is never released unmarked."""
    jointly: bool = False
    """Share `delta` out among the groups, so that all promises hold together."""

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("delta", self.delta)):
            if not 0 < value < 1:
                raise InputError(f"{name}: expected a number between 0 and 1, such as 0.05")
        if not 0 <= self.floor <= max(TOP):
            raise InputError(f"floor: expected a number from 0 to {max(TOP)}")


class Curve(NamedTuple):
    """Claims released at each threshold, and the unsupported ones among them, from the strictest threshold on."""

    thresholds: tuple[float, ...]
    released: Any
    """Integers, one a threshold."""
    unsupported: Any
    """Integers, one a threshold."""


def certify(labels: Labels, terms: Terms, *, verifier: str, made: date) -> Certificate:
    """A certificate for every group of the labels, with a threshold or refused.

    Raises `InputError` where the extra `calibrate` is not installed.
    """
    groups = labels.groups()
    level = terms.delta / len(groups) if terms.jointly else terms.delta
    return Certificate(
        format_version=FORMAT,
        made=made,
        alpha=terms.alpha,
        delta=terms.delta,
        jointly=terms.jointly,
        group_delta=level,
        floor=terms.floor,
        method=METHOD,
        labels_sha256=labels.digest,
        verifier=verifier,
        groups=tuple(_group(key, rows, labels.independent(rows), terms, level) for key, rows in groups.items()),
    )


def grid(floor: float) -> tuple[float, ...]:
    """The thresholds that are tested, strictest first: the same whatever the labels are."""
    steps = (round(0.99 - STEP * i, 3) for i in range(100))
    return tuple(t for t in (*TOP, *steps) if t > floor) + (floor,)


def curve(rows: Sequence[Label], thresholds: tuple[float, ...]) -> Curve:
    """How many claims each threshold releases."""
    numpy = needed("numpy")
    order = sorted(rows, key=lambda r: r.probability)
    below = numpy.searchsorted([r.probability for r in order], thresholds, side="left")
    bad = numpy.concatenate(([0], numpy.cumsum([not r.supported for r in order])))
    return Curve(thresholds, len(order) - below, bad[-1] - bad[below])


def p_values(unsupported: Any, released: Any, alpha: float) -> Any:
    """Of "more than alpha of those released are unsupported", for counts; each number released is 1 at least.

    For a loss of 0 or 1 the Hoeffding-Bentkus p-value is the binomial tail P(X <= unsupported). MAPIE rounds rate x n
    up to the count: the rate is put a hair below, so that rounding never adds an error that nobody made.
    """
    numpy, methods = needed("numpy"), needed("mapie.risk_control.methods")
    n = numpy.asarray(released, dtype=float)
    rates = numpy.nextafter(numpy.asarray(unsupported, dtype=float) / n, 0)
    return methods.compute_hoeffding_bentkus_p_value(rates, n, alpha, binary=True)[:, 0]


@lru_cache(maxsize=256)
def labels_needed(alpha: float, delta: float, rate: float = 0.0) -> int | None:
    """The fewest released claims, `rate` of them unsupported (rounded up), that reject; None: over a million."""
    numpy = needed("numpy")
    begin = 1
    while rate < alpha and begin < MOST_LABELS:
        sizes = numpy.arange(begin, 4 * begin + 64)
        passed = numpy.flatnonzero(p_values(numpy.ceil(rate * sizes - 1e-9), sizes, alpha) <= delta)
        if len(passed):
            return int(sizes[passed[0]])
        begin = int(sizes[-1]) + 1
    return None


def needed(name: str) -> Any:
    """A module of the extra `calibrate`; raises `InputError` where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError("calibration needs more packages: pip install 'wardround[calibrate]'") from error


def _group(
    key: GroupKey, rows: Sequence[Label], tested: Sequence[Label], terms: Terms, level: float
) -> Certified | Refused:
    counted = curve(tested, grid(terms.floor))
    at = _lowest(counted, terms.alpha, level)
    released, unsupported = (int(c[-1 if at is None else at]) for c in counted[1:])
    shown: dict[str, Any] = {
        "task": key[0],
        "language": key[1],
        "claims": len(rows),
        "n": len(tested),
        "n_released": released,
        "n_unsupported": unsupported,
        "observed_rate": round(unsupported / released, _DIGITS) if released else None,
    }
    if at is None:
        more = _more(counted, len(tested), terms.alpha, level)
        return Refused(**shown, needed=_at_least(terms.alpha, level), more=more)
    bound = min(terms.alpha, round(upper_bound(unsupported, released, level), _DIGITS))
    coverage = round(released / len(tested), _DIGITS)
    return Certified(**shown, threshold=counted.thresholds[at], upper_bound=bound, coverage=coverage)


def _lowest(counted: Curve, alpha: float, delta: float) -> int | None:
    """Index of the lowest threshold that is certified and that a label reaches; None where there is none.

    Thresholds between two probabilities release the same claims: the strictest of them is taken, because no label lies
    in between.
    """
    reaches, first = (int(found[0]) for found in _first(counted.released[None], alpha, delta))
    if not reaches:
        return None
    tested = p_values(counted.unsupported[first:], counted.released[first:], alpha)
    held = needed("mapie.risk_control").control_fwer(tested, delta=delta, fwer_method="fixed_sequence")
    if not len(held):
        return None
    return int((counted.released == counted.released[first + int(held[-1])]).argmax())


def _first(released: Any, alpha: float, delta: float) -> tuple[Any, Any]:
    """Of each row of numbers released: whether the sequence can begin, and the index of the threshold where it does.

    It begins where enough claims are released to reject at all, and some more where there are many. The choice sees
    numbers of claims and no label. Where claims below the beginning are unsupported no less often than those above it,
    the level stays exact: that few claims lie above then only makes a null hypothesis harder to reject. For curves of
    other shapes no case is known, and none was found by search, in which the level is exceeded.
    """
    numpy = needed("numpy")
    enough = labels_needed(alpha, delta, alpha / 2) or MOST_LABELS
    total = released[:, -1]
    some = numpy.maximum(numpy.minimum(enough, total // FIRST_SHARE), total // LATER_SHARE)
    reaches = released >= numpy.maximum(_at_least(alpha, delta), some)[:, None]
    return reaches.any(axis=1), reaches.argmax(axis=1)


def _at_least(alpha: float, delta: float) -> int:
    return labels_needed(alpha, delta) or MOST_LABELS


def _more(counted: Curve, n: int, alpha: float, delta: float) -> int | None:
    """About how many more claims like these would give a threshold; None where no number does."""
    numpy = needed("numpy")
    sizes = [n]
    while sizes[-1] < MOST_LABELS:
        sizes.append(sizes[-1] + max(1, (sizes[-1] - n) // 20))
    totals = numpy.array(sizes[1:], dtype=float)
    released = numpy.floor(numpy.outer(totals / n, counted.released) + 1e-9)
    reaches, first = _first(released, alpha, delta)
    totals, first, released = totals[reaches], first[reaches], released[reaches]
    if not len(totals):
        return None
    kept = released[numpy.arange(len(first)), first]
    unsupported = numpy.minimum(numpy.ceil(counted.unsupported[first] * (totals / n) - 1e-9), kept)
    passed = numpy.flatnonzero(p_values(unsupported, kept, alpha) <= delta)
    return int(totals[passed[0]]) - n if len(passed) else None


def upper_bound(unsupported: int, released: int, delta: float) -> float:
    """Upper Clopper-Pearson bound of a rate at confidence 1 - delta; 1 where nothing was released."""
    if unsupported >= released:
        return 1.0
    return float(needed("scipy.stats").beta.ppf(1 - delta, unsupported + 1, released - unsupported))
