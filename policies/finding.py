"""What an agent noticed: the vocabulary of findings, severities and actions. How they are judged lives in `decide`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class Action(StrEnum):
    """What happens to an answer, weakest to strongest; the strongest action of the rules that fired wins."""

    ALLOW = "allow"
    ANNOTATE = "annotate"
    REDACT = "redact"
    REVISE = "revise"
    ESCALATE = "escalate"
    BLOCK = "block"

    @property
    def strength(self) -> int:
        """Position in the order, 0 (`allow`) to 5 (`block`)."""
        return _ACTIONS.index(self)


How: TypeAlias = Literal["drop", "soften"]
"""What `redact` does to a sentence: leave it out, or let it stand with a remark behind it."""


class Severity(StrEnum):
    """How bad it may become, lowest first."""

    MINOR = "minor"
    MODERATE = "moderate"
    MAJOR = "major"
    CONTRAINDICATED = "contraindicated"

    @property
    def rank(self) -> int:
        """Position in the order, 0 (`minor`) to 3 (`contraindicated`)."""
        return _SEVERITIES.index(self)


_ACTIONS = tuple(Action)
_SEVERITIES = tuple(Severity)


class FindingKind(StrEnum):
    """The closed set of things an agent can notice."""

    INTERACTION = "interaction"
    CONTRAINDICATION = "contraindication"
    ALLERGY = "allergy"
    DUPLICATE_THERAPY = "duplicate_therapy"
    DOSE = "dose"
    PREGNANCY = "pregnancy"
    RENAL = "renal"
    AGE = "age"
    CLAIM_CONTRADICTED = "claim_contradicted"
    CLAIM_UNSUPPORTED = "claim_unsupported"
    UNSOURCED_DRUG_OR_DOSE = "unsourced_drug_or_dose"
    OMISSION = "omission"
    PHI = "phi"
    INJECTION = "injection"
    CRISIS = "crisis"
    HARMFUL_REQUEST = "harmful_request"
    EMERGENCY = "emergency"
    UNSAFE_ADVICE = "unsafe_advice"
    OUT_OF_SCOPE = "out_of_scope"
    LANGUAGE = "language"
    MODALITY = "modality"
    AGENT_FAILURE = "agent_failure"


CLAIM_KINDS = frozenset(
    {FindingKind.CLAIM_CONTRADICTED, FindingKind.CLAIM_UNSUPPORTED, FindingKind.UNSOURCED_DRUG_OR_DOSE}
)
"""Findings about one sentence that the evidence does not bear out."""
SENTENCE_KINDS = CLAIM_KINDS | {FindingKind.UNSAFE_ADVICE}
"""Findings whose sentence `redact` can leave out or mark."""


class Certainty(StrEnum):
    """How well a clinical fact is borne out."""

    ESTABLISHED = "established"
    PROBABLE = "probable"
    POSSIBLE = "possible"


class Frozen(BaseModel):
    """A value: immutable, strict about types, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Span(Frozen):
    """Where in a text, counted in Unicode characters of the channel's text, end exclusive."""

    channel: str
    """`request` (the last user message), `messages[i]` (an earlier one), `draft`, `draft[i]` (further choices),
    `evidence[ID]`, `tool_call[ID]`."""
    start: Annotated[int, Field(ge=0)]
    """First character of the span."""
    end: Annotated[int, Field(ge=0)]
    """One past its last character."""


class Citation(Frozen):
    """Where a fact comes from."""

    source: str
    """Label section, guideline, paper, or the id of a passage sent with the request."""
    locator: str | None = None
    """Section, page or passage within the source."""
    edition: str | None = None
    """Edition or date of the source; None where it has none."""
    passage: str | None = None
    """Id of the passage in the evidence store, such as `kb:12`; None for other sources."""


class Explanation(Frozen):
    """Why a finding matters, in parts that a screen can lay out. Empty text where a part does not apply."""

    mechanism: str = ""
    """How it comes about."""
    effect: str = ""
    """What may happen."""
    management: str = ""
    """What to do."""
    certainty: Annotated[Certainty, Field(strict=False)] = Certainty.ESTABLISHED
    """How sure the source is."""
    plain: str = ""
    """One or two sentences in plain words for the patient."""
    unknown: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """What is not known of the patient and would change the judgement: `kidney function`, `dose of tramadol`."""


class Finding(Frozen):
    """One thing an agent noticed. Messages are shown to people and logged: they never quote an identifier."""

    agent: str
    """Name of the agent: `knowledge`, `interactions`, `safety`, or a registered third one."""
    kind: Annotated[FindingKind, Field(strict=False)]
    """What was noticed."""
    subjects: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Canonical ingredient or entity names, lower case; `warfarin`, `suicidal ideation`, `date of birth`."""
    severity: Annotated[Severity, Field(strict=False)]
    """How bad it may become."""
    confidence: Annotated[float, Field(ge=0.0, le=1.0, strict=False)] = 1.0
    """The detector's own estimate that it is right, 0 to 1; 1 for a table look-up."""
    message: str
    """One or two sentences for a person: what, why, what to do."""
    span: Span | None = None
    """The text it is about; None where it is about something absent or about the whole."""
    citations: Annotated[tuple[Citation, ...], Field(strict=False)] = ()
    """Sources of the fact."""
    explanation: Explanation | None = None
    """Mechanism, effect, management and plain words, where the agent knows them."""
    code: str | None = None
    """Stable id of the table row or detector rule that spoke, for example `onc.maoi-serotonergic`."""

    def as_json(self) -> dict[str, Any]:
        """The contract's JSON shape of a finding."""
        return self.model_dump(mode="json")
