"""What a round needs from outside: specialists, model, retrieval, clock, compute. Implementations live elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from wardround.policies.finding import Citation, Finding, Span
from wardround.policies.request import Case

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Support:
    """A claim of the draft that evidence bears out. Never judged; the client renders it."""

    span: Span
    """The claim in the draft."""
    citations: tuple[Citation, ...]
    """The passages that say so, best first."""
    confidence: float
    """The verifier's own estimate that they do, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What one search of the evidence store gave: enough to answer it again in a replay."""

    passages: tuple[str, ...]
    """Ids, best first."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a specialist says of one case."""

    findings: tuple[Finding, ...] = ()
    """What it noticed, most serious first."""
    channels: tuple[str, ...] = ()
    """Channels it read, for the receipt."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Versions of tables and models it used, and what it had to skip, for the receipt and the replay."""
    supported: tuple[Support, ...] = ()
    """Never judged: claims found supported, in the order of the text, for the client to render (knowledge only)."""
    retrieved: tuple[Retrieved, ...] = ()
    """Searches of the evidence store in order, for the record (knowledge only)."""


class Specialist(Protocol):
    """One of the agents that look at a case. Deterministic: the same case and settings give the same report.

    Both methods may raise and may be cancelled at their deadline: the caller turns either into `agent_failure`.
    CPU-bound work longer than a millisecond goes through `Compute.run`.
    """

    @property
    def name(self) -> str:
        """The name in findings, receipts and the policy's `agents:` section."""
        ...

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Look at the request, conversation and evidence before a model is called; `case.draft` is None."""
        ...

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Look at the draft and its tool calls in the light of the request; never repeats what `screen` reported.

        With `case.complete` False the text may go on: report nothing that only more text could settle by itself,
        such as an omission.
        """
        ...


@dataclass(frozen=True, slots=True)
class TabledDose:
    """A dose that a text states, and the row of the drug tables that bears it out."""

    start: int
    """First character of the amount in the text."""
    end: int
    """Behind its last character."""
    ingredients: tuple[str, ...]
    """Whose dose it is, canonical, lower case; several for a combination; empty where the text does not tell."""
    single_mg: float | None
    """One administration, the upper end of a range; None where only a daily total is given, or the amounts of a
    combination's parts."""
    daily_mg: float | None
    """What a day adds up to; None where no frequency is given."""
    units: bool
    """The amounts are international units, not milligrams."""
    citation: Citation | None
    """The row on which the dose stands; None where the tables do not bear it out."""


class UnknownDrug(NamedTuple):
    """A word that a text uses as the name of a medicine and that no drug table knows."""

    start: int
    """First character of the word in the text."""
    end: int
    """Behind its last character."""
    word: str
    """As the text writes it."""


class Formulary(Protocol):
    """Structured facts about drugs, on which what a text says of them may stand. Any language; pure."""

    def doses(self, text: str, language: str) -> Sequence[TabledDose]:
        """Every dose that the text states, in order. Amounts of laboratory values are left out."""
        ...

    def unknown_drugs(self, text: str, language: str) -> Sequence[UnknownDrug]:
        """Words used as names of medicines that no table knows, in order; as invented ones are."""
        ...

    def facts(self, text: str, language: str) -> Sequence[StoredPassage]:
        """Rows about the drugs that the text names exactly, as short passages in English whole sentences, nearest
        first, at most a dozen. Ids are `table:<row>:<ingredients>`; the title is the row's source."""
        ...


class Compute(Protocol):
    """A bounded pool for CPU work."""

    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        """Run `work(*args)` off the event loop and return its result."""
        ...


class Clock(Protocol):
    """Time, injectable."""

    def now(self) -> datetime:
        """Current time, UTC, aware."""
        ...

    def monotonic_s(self) -> float:
        """Seconds of a clock that never goes back."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage of the evidence store: untrusted text like any evidence."""

    id: str
    """Names the passage for ever: `kb:123`. Its text never changes."""
    text: str
    title: str
    """What its document is called; citations name it."""
    locator: str | None = None
    """Where in the document it stands: headings, page."""
    edition: str | None = None
    """Which edition of the document, as its publisher names it, else the day from which it holds."""
    stale: bool = False
    """Not in effect on the day of the search: it supports nothing by itself."""


class Retriever(Protocol):
    """A store of passages."""

    async def search(self, queries: Sequence[str], *, language: str, limit: int) -> Sequence[Sequence[StoredPassage]]:
        """For each query the passages nearest to it, best first, at most `limit`. The same store gives the same.

        Raises `StoreError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to a model."""

    body: Mapping[str, Any]
    """Chat-completions body as the client sent it, unknown fields included, without the `wardround` object."""
    models: tuple[str, ...]
    """Models to try in order, `provider/name` or a bare name for the configured upstream; empty: the body's own."""
    timeout_s: float
    """Deadline of one attempt, seconds."""
    retries: int
    """Further attempts at each model after 429, 5xx or a lost connection."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers passed to the upstream: the client's own authorization where the operator forwards it, trace context."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A whole answer."""

    body: Mapping[str, Any]
    """Chat-completions answer, untouched."""
    model: str
    """The model that answered, as named in the call."""
    attempts: tuple[str, ...] = ()
    """One line for each attempt that failed before: model and error class, no content."""


class ModelStream(Protocol):
    """A streamed answer: iterate over chunks as the upstream sent them; always closed by the caller."""

    model: str

    def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]: ...

    async def aclose(self) -> None:
        """Stop the upstream."""
        ...


class ModelClient(Protocol):
    """The only way to a model. Raises `UpstreamError`; retries and fallbacks happen inside."""

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Ask for a whole answer."""
        ...

    async def stream(self, call: ModelCall) -> ModelStream:
        """Ask for a streamed answer; returns after the upstream's headers."""
        ...


class Sink(Protocol):
    """Where a streamed draft goes: keeps what arrives, lets out what was checked."""

    def keep(self, chunk: Mapping[str, Any]) -> None:
        """A chunk arrived from the upstream; nothing of it may leave yet."""
        ...

    async def release(self, choice: int, upto: int, replacement: str | None, findings: Sequence[Finding]) -> None:
        """Let out all text of one choice up to character `upto`, after a durable record of it.

        `replacement` stands for the newly released part where the policy redacts it; None lets it out as it came.
        """
        ...
