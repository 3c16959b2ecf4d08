"""Whether fresh labels still agree with a certificate. How one is made: `certify`.

It promises to notice, more often than chance, a rate well above alpha; it cannot show that a rate is below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from wardround.agents.knowledge.certificate import Certificate, Certified
from wardround.policies.errors import InputError
from wardround.policies.finding import Frozen
from wardround.policies.request import Task

from .certify import needed, upper_bound
from .labels import Label, Labels

SIGNIFICANCE = 0.05
"""A group is told to have drifted by mistake with at most this probability."""
_DIGITS = 6


class Verdict(StrEnum):
    """What fresh labels say of a promise."""

    COMPATIBLE = "compatible"
    DRIFTED = "drifted"
    NO_LABELS = "no_labels"
    """None of the group's fresh claims would be released."""


class Compared(Frozen):
    """One certified group and its fresh labels."""

    task: Task
    """The clinical task."""
    language: str
    """ISO 639-1 code."""
    threshold: float
    """The certified threshold."""
    claims: int
    """Fresh labelled claims of the group."""
    n: int
    """Those tested: one of each round."""
    n_released: int
    """Tested claims that the threshold releases."""
    n_unsupported: int
    """Those of them that are unsupported."""
    observed_rate: float | None
    """`n_unsupported` of `n_released`; None where none is released."""
    upper_bound: float
    """Upper bound of the rate at the significance, from the fresh labels alone: few labels leave it high."""
    p_value: float
    """Probability of so many unsupported claims or more, were the rate alpha (exact binomial)."""
    verdict: Verdict
    """What follows."""


def compare(certificate: Certificate, fresh: Labels, *, significance: float = SIGNIFICANCE) -> tuple[Compared, ...]:
    """Every certified group against its fresh labels.

    Raises `InputError` where nothing can be compared: the labels made the certificate, or none is in a certified group.
    """
    if fresh.digest == certificate.labels_sha256:
        raise InputError("these labels made the certificate: a check needs fresh ones")
    groups = fresh.groups()
    found = tuple(
        _compared(g, groups.get((g.task, g.language), ()), fresh, certificate.alpha, significance)
        for g in certificate.certified
    )
    if not any(c.claims for c in found):
        raise InputError("no label is of a certified group: nothing can be checked")
    return found


def _compared(group: Certified, rows: Sequence[Label], fresh: Labels, alpha: float, significance: float) -> Compared:
    tested = fresh.independent(rows)
    released = [r for r in tested if r.probability >= group.threshold]
    bad, n = sum(not r.supported for r in released), len(released)
    p_value = float(needed("scipy.stats").binom.sf(bad - 1, n, alpha)) if n else 1.0
    drifted = Verdict.DRIFTED if p_value < significance else Verdict.COMPATIBLE
    return Compared(
        task=group.task,
        language=group.language,
        threshold=group.threshold,
        claims=len(rows),
        n=len(tested),
        n_released=n,
        n_unsupported=bad,
        observed_rate=round(bad / n, _DIGITS) if n else None,
        upper_bound=round(upper_bound(bad, n, significance), _DIGITS),
        p_value=round(p_value, _DIGITS),
        verdict=drifted if n else Verdict.NO_LABELS,
    )
