"""The certificate of release thresholds: which claims may leave unmarked. How one is made: `alignment.certify`.

It promises, for a task and a language, that of the claims released at the threshold at most the share `alpha` is
unsupported, with confidence 1 - `delta`, as long as claims and verifier stay as they were. It does not promise that a
single claim is true, and it says nothing of a group that it does not name.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError, model_validator

from wardround.policies.errors import InputError
from wardround.policies.finding import Frozen
from wardround.policies.request import Task

from ..weights import digest

FORMAT: Literal[1] = 1
"""Version of the certificate's format."""
MODEL = Path(__file__).parent / "model"
"""Folder of the verifier's files."""
_VERSION_CHARS = 12

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Level: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Language: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


class _Labels(Frozen):
    """What was counted in a group."""

    task: Task
    """The clinical task."""
    language: Language
    """ISO 639-1 code."""
    claims: Count
    """Labelled claims."""
    n: Count
    """Claims that were tested: one of each round; a claim without a round counts as a round."""
    n_released: Count
    """Tested claims at or above the threshold; of a refused group, at or above the floor."""
    n_unsupported: Count
    """Those of them that are unsupported."""
    observed_rate: Share | None
    """`n_unsupported` of `n_released`; None where none is released."""

    @model_validator(mode="after")
    def _counts_fit(self) -> _Labels:
        if not self.n_unsupported <= self.n_released <= self.n <= self.claims:
            raise ValueError("n_unsupported, n_released, n and claims must not fall in this order")
        return self


class Certified(_Labels):
    """A group with a threshold."""

    status: Literal["certified"] = "certified"
    """Tells the two kinds apart."""
    threshold: Share
    """A claim is released unmarked from this probability on."""
    upper_bound: Share
    """Upper bound (Clopper-Pearson) of the rate at this threshold taken alone; what is promised is alpha."""
    coverage: Share
    """Share of the tested claims that is released."""


class Refused(_Labels):
    """A group without one: nothing of it is certified."""

    status: Literal["refused"] = "refused"
    """Tells the two kinds apart."""
    needed: Count
    """Released claims that are needed at least, were every one supported."""
    more: Count | None
    """About how many more tested claims are needed at the observed rates; None: no number is enough."""

    @property
    def reason(self) -> str:
        """Why, and what would help, on one line."""
        clustered = self.n < self.claims
        labelled = f"{self.claims} labelled claims" + (f" of {self.n} rounds, which count" if clustered else "")
        least = f"at least {self.needed} are needed even if every one is supported"
        more = f"about {self.more} more{' rounds' if clustered else ''}" if self.more is not None else "no number helps"
        return f"refused: {labelled}; {least}; {more} at the observed rate"


Group: TypeAlias = Annotated[Certified | Refused, Field(discriminator="status")]


class Certificate(Frozen):
    """Thresholds by task and language, and what they rest on."""

    format_version: Literal[1]
    """Version of this format."""
    made: date
    """Day on which it was made."""
    alpha: Level
    """Highest share of unsupported claims among those released that is promised."""
    delta: Level
    """Probability that a promise fails to hold: of each group by itself, or `jointly` of any."""
    jointly: bool
    """Whether all groups hold together with confidence 1 - `delta`; else each does by itself."""
    group_delta: Level
    """Level of the test of each group: `delta`, or `jointly` `delta` by the number of groups."""
    floor: Share
    """No threshold lies lower."""
    method: str
    """The statistical test, in words."""
    labels_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the file of labels."""
    verifier: Annotated[str, Field(min_length=1)]
    """Version of the verifier whose probabilities were labelled; for another one nothing is promised."""
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    """Every group that has labels, certified or refused."""

    @model_validator(mode="after")
    def _holds_together(self) -> Certificate:
        keys = [(g.task, g.language) for g in self.groups]
        if len(set(keys)) < len(keys):
            raise ValueError("a task and language stand in two groups")
        for group in self.groups:
            if isinstance(group, Certified) and not (group.upper_bound <= self.alpha and group.n_released):
                raise ValueError(f"{group.task} {group.language}: the upper bound lies above alpha")
        return self

    @property
    def certified(self) -> tuple[Certified, ...]:
        """The groups with a threshold."""
        return tuple(g for g in self.groups if isinstance(g, Certified))

    def threshold(self, task: Task, language: str) -> float | None:
        """The probability from which on a claim is released unmarked; None: nothing is certified for this group."""
        return next((g.threshold for g in self.certified if (g.task, g.language) == (task, language)), None)


def load_certificate(path: Path) -> Certificate:
    """The certificate of a file; raises `InputError` on one line where it cannot be read or contradicts itself."""
    try:
        return Certificate.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise InputError(f"{path}: no certificate: {what}; make it again with `wardround calibrate`") from error


def installed_verifier() -> str | None:
    """Version of the verifier's files on this machine, from their digests; None where none are installed."""
    digests = MODEL / "digests.json"
    return f"sha256:{digest(digests)[:_VERSION_CHARS]}" if digests.exists() else None
