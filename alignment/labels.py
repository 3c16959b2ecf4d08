"""Claims that people labelled as supported or not, read from JSONL. What follows from them: `certify` and `drift`."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wardround.policies.errors import InputError
from wardround.policies.request import Task

GroupKey: TypeAlias = tuple[Task, str]
"""Task and language: what a threshold is for."""
LANGUAGES = frozenset(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng
    nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st
    su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """.split()
)
"""ISO 639-1, with `sh`, which language detectors still give."""


class Label(BaseModel):
    """One labelled claim. Unknown fields may ride along: an export holds more than this."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, use_attribute_docstrings=True)

    task: Task
    """The clinical task of its round."""
    language: str
    """ISO 639-1 code of the draft."""
    probability: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """What the verifier gave: the probability that the evidence supports the claim."""
    supported: bool
    """What the labelling person found."""
    round_id: Annotated[str, Field(min_length=1)] | None = None
    """The round it comes from; None: it stands for a round of its own."""

    @field_validator("language")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in LANGUAGES:
            raise ValueError("unknown code")
        return value


_EXPECTED: Mapping[str, str] = {
    "task": "expected one of " + ", ".join(Task),
    "language": "expected an ISO 639-1 code such as en",
    "probability": "expected a number from 0 to 1",
    "supported": "expected true or false",
    "round_id": "expected a text that is not empty",
}


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one file."""

    rows: tuple[Label, ...]
    """In the order of the file."""
    digest: str
    """SHA-256 of the file's bytes, hexadecimal."""

    def groups(self) -> Mapping[GroupKey, tuple[Label, ...]]:
        """The labels of each task and language, in the order of their names."""
        found: dict[GroupKey, list[Label]] = {}
        for row in self.rows:
            found.setdefault((row.task, row.language), []).append(row)
        return {key: tuple(found[key]) for key in sorted(found)}

    def independent(self, rows: Sequence[Label]) -> tuple[Label, ...]:
        """One claim of each round, in order: claims of one round err together, and the tests need independent ones.

        The draw knows neither probability nor label and is seeded by the digest: the same file gives the same claims.
        """
        rounds: dict[object, list[Label]] = {}
        for position, row in enumerate(rows):
            rounds.setdefault(position if row.round_id is None else row.round_id, []).append(row)
        chosen = random.Random(self.digest)  # noqa: S311 - a draw that can be repeated, no secret
        return tuple(claims[0] if len(claims) == 1 else chosen.choice(claims) for claims in rounds.values())


def read_labels(data: bytes, source: str) -> Labels:
    """The labels of a JSONL file named `source`; raises `InputError` with line and field of the first bad line."""
    rows = tuple(
        _label(line, f"{source}:{number}")
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
        if line.strip()
    )
    if not rows:
        raise InputError(f"{source}: holds no labelled claim; write one JSON object a line")
    return Labels(rows, hashlib.sha256(data).hexdigest())


def _label(line: bytes, where: str) -> Label:
    try:
        return Label.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else None
        if field is None:
            raise InputError(f"{where}: not a JSON object; write one labelled claim a line") from error
        missing = "is missing: " if first["type"] == "missing" else ""
        raise InputError(f"{where}: {field}: {missing}{_EXPECTED[field]}") from error
