"""The only door to guardrails-ai, both ways: our detectors as its validators, its validators as specialists.

guardrails-ai reports usage to a remote host unless told otherwise, and reads that choice from a file in the home
directory each time a Guard is made. `_guardrails` closes it for the whole process, writes no file, and must be the
only way in which this package loads guardrails. It does not stop a third-party validator from doing as it likes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeAlias, TypeVar

from wardround.policies.document import Validator as ValidatorEntry
from wardround.policies.errors import PolicyError
from wardround.policies.finding import Finding, FindingKind, Severity, Span
from wardround.policies.request import Case, Message, Patient, RoundRequest, Task

from .interactions.agent import InteractionsDetector
from .ports import Compute, Report, Specialist
from .safety.agent import DETECTORS
from .safety.detector import Detector

PREFIX = "wardround/"
"""Our own names in guardrails' registry: `wardround/phi`."""
MAX_SPANS = 20
"""Findings that one result of a third-party validator becomes at most."""
REDACTED = "[removed]"
"""Stands for a flagged span in the value that `on_fail: fix` returns."""
OFFERED: tuple[Callable[[], Detector], ...] = (*DETECTORS, InteractionsDetector)
"""Every detector that is offered as a validator."""
E = TypeVar("E", bound=StrEnum)
Channel: TypeAlias = Literal["request", "draft", "evidence", "tool_call"]
_OF_REQUESTS = frozenset({"crisis", "emergency", "harmful_request", "injection"})
_SETTINGS = frozenset({"kind", "severity", "metadata"})


@dataclass(frozen=True, slots=True)
class _Guardrails:
    """The few names of guardrails-ai that are used."""

    base: Any
    registry: Mapping[str, Any]
    register: Callable[..., Any]
    pass_result: Any
    fail_result: Any
    error_span: Any


def detector_names() -> tuple[str, ...]:
    """The names under which our detectors are offered, without loading guardrails."""
    return tuple(PREFIX + make().name for make in OFFERED)


def as_validators() -> Mapping[str, Any]:
    """Register every detector as a guardrails `Validator`; name to class. Calling it again changes nothing.

    Each class takes `on` (`draft` or `request`: what the value is), `show_from` (lowest severity that fails) and
    `on_fail`. Metadata may hold `request`, the user's text, `language`, and `patient`, what is known of the patient.
    """
    guardrails = _guardrails()
    return {name: guardrails.registry[name] for name in detector_names()}


def build_validators(entries: Sequence[ValidatorEntry], compute: Compute | None = None) -> tuple[Specialist, ...]:
    """The specialists for a policy's `validators:`; our own detectors are left to the agents, which run them.

    Raises `PolicyError` for a validator that is not installed, or does not exist.
    """
    known = detector_names()
    unknown = [e.use for e in entries if e.use.startswith(PREFIX) and e.use not in known]
    if unknown:
        raise PolicyError(f"validators: {unknown[0]!r} does not exist; known are {', '.join(known)}")
    foreign = [e for e in entries if not e.use.startswith(PREFIX)]
    return tuple(ThirdPartyValidator(e.use, e.on, e.options, compute=compute) for e in foreign)


class ThirdPartyValidator:
    """An installed guardrails validator as a specialist. Its verdict is its own: it may be wrong, slow or remote.

    Options are the validator's arguments, and `kind`, `severity` (of the findings) and `metadata` (passed on).
    """

    def __init__(
        self, use: str, on: Sequence[Channel], with_: Mapping[str, Any] | None = None, *, compute: Compute | None = None
    ) -> None:
        """Load the validator. Raises `PolicyError` where it is missing or refuses its arguments."""
        options = dict(with_ or {})
        self.name = f"guardrails:{use}"
        self._use = use
        self._on = frozenset(on)
        self._compute = compute
        self._kind = _setting(FindingKind, options, "kind", FindingKind.OUT_OF_SCOPE, use)
        self._severity = _setting(Severity, options, "severity", Severity.MODERATE, use)
        self._metadata: dict[str, Any] = dict(options.get("metadata") or {})
        self._validator = _instance(use, {k: v for k, v in options.items() if k not in _SETTINGS})

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Validate the user's texts and the evidence, as far as the policy names them."""
        del settings
        texts: list[tuple[str, str]] = []
        if "request" in self._on:
            texts.extend(case.user_texts())
        if "evidence" in self._on:
            texts.extend((*case.evidence_texts(), *case.tool_results()))
        return await self._report(texts)

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Validate the draft and the tool calls, as far as the policy names them."""
        del settings
        texts: list[tuple[str, str]] = []
        if "draft" in self._on and case.draft:
            texts.append((case.draft_channel, case.draft))
        if "tool_call" in self._on:
            texts.extend((f"tool_call[{c.id}]", c.arguments) for c in case.tool_calls)
        return await self._report(texts)

    def __call__(self, channel: str, text: str) -> tuple[Finding, ...]:
        """Findings on one text: none where it passes. Raises whatever the validator raises."""
        result = self._validator.validate(text, dict(self._metadata))
        match getattr(result, "outcome", None):
            case "pass":
                return ()
            case "fail":
                return tuple(self._finding(span) for span in _spans(result, channel, text))
            case _:
                raise PolicyError(f"the validator {self._use!r} gave neither a pass nor a fail; update or remove it")

    async def _report(self, texts: Sequence[tuple[str, str]]) -> Report:
        findings: list[Finding] = []
        for channel, text in texts:
            if self._compute is None:
                findings.extend(self(channel, text))
            else:
                findings.extend(await self._compute.run(self, channel, text))
        return Report(tuple(findings), tuple(c for c, _ in texts), {"validator": self._use})

    def _finding(self, span: Span) -> Finding:
        """Without the validator's own words: they may repeat the text that it rejected."""
        return Finding(
            agent=self.name,
            kind=self._kind,
            subjects=(self._use,),
            severity=self._severity,
            confidence=0.5,
            message=f"The validator {self._use} rejected this text. Look at the marked part before release.",
            span=span,
            code=self.name,
        )


def _setting(values: type[E], options: Mapping[str, Any], key: str, default: E, use: str) -> E:
    try:
        return values(options.get(key, default))
    except ValueError as error:
        known = ", ".join(values)
        raise PolicyError(f"validators: {use}: unknown {key} {options[key]!r}; known are {known}") from error


def _instance(use: str, arguments: Mapping[str, Any]) -> Any:
    """The validator's instance, set to report and never to act."""
    guardrails = _guardrails()
    key = use.removeprefix("hub://")
    found = guardrails.registry.get(key) or _from_hub_folder(key, guardrails)
    if found is None:
        raise PolicyError(
            f"validators: {use!r} is not installed; run `guardrails hub install hub://{key}`, or remove the entry"
        )
    try:
        return found(on_fail="noop", **arguments)
    except (TypeError, ValueError) as error:
        raise PolicyError(f"validators: {use!r} refuses its arguments under 'with:': {type(error).__name__}") from error


def _from_hub_folder(key: str, guardrails: _Guardrails) -> Any:
    """A validator that the hub installer noted in the working directory; importing it registers it."""
    logging.getLogger("guardrails-ai").setLevel(logging.ERROR)
    guardrails.base.try_to_import_from_hub(key)
    return guardrails.registry.get(key)


def _spans(result: Any, channel: str, text: str) -> Iterable[Span]:
    """Spans of a failed result in the text; the whole text where it names none."""
    chunk = result.validated_chunk
    offset = max(0, text.find(chunk)) if isinstance(chunk, str) and chunk else 0
    spans: list[Span] = []
    for error in result.error_spans or ():
        start, end = min(offset + error.start, len(text)), min(offset + error.end, len(text))
        if 0 <= start < end:
            spans.append(Span(channel=channel, start=start, end=end))
    return spans[:MAX_SPANS] or [Span(channel=channel, start=0, end=len(text))]


@cache
def _guardrails() -> _Guardrails:
    """guardrails-ai, loaded silent, with our detectors registered.

    1. Keep its dependencies from fetching anything. 2. Load it: that alone reports nothing. 3. Switch its reporting
    off before a Guard or validator exists. 4. Register our detectors.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # 1
    try:
        base = import_module("guardrails.validator_base")  # 2
    except ImportError as error:
        raise PolicyError("validators: guardrails-ai is not installed; run `pip install guardrails-ai`") from error
    _silence()  # 3
    types = import_module("guardrails_ai.types")
    guardrails = _Guardrails(
        base, base.validators_registry, base.register_validator, types.PassResult, types.FailResult, types.ErrorSpan
    )
    for make in OFFERED:  # 4
        _register(make(), guardrails)
    return guardrails


def _silence() -> None:
    """Switch usage reporting and tracing off, whatever a file in the home directory says, now and later.

    The reporter is a singleton that builds its exporter on first use: an instance without tracer and exporter is put
    in its place. The settings are read anew for every Guard: the reader now answers that nothing may be reported and
    nothing be sent to remote inference.
    """
    reporter: Any = import_module("guardrails.utils.hub_telemetry_utils").HubTelemetry
    silent = object.__new__(reporter)
    silent._carrier = {}
    reporter._instance = silent
    rc: Any = import_module("guardrails.classes.rc").RC

    def load(logger: object = None) -> Any:
        del logger
        return rc(id=None, token=None, enable_metrics=False, use_remote_inferencing=False)

    rc.load = load
    settings: Any = import_module("guardrails.settings").settings
    settings.rc = load()
    settings.disable_tracing = True


def _register(detector: Detector, guardrails: _Guardrails) -> None:
    """Make and register the validator class of one detector."""
    name = PREFIX + detector.name
    default_on = "request" if detector.name in _OF_REQUESTS else "draft"
    base: Any = guardrails.base.Validator

    def __init__(
        self: Any, on: str = default_on, show_from: str = "moderate", on_fail: Any = None, **kwargs: Any
    ) -> None:
        base.__init__(self, on_fail=on_fail, on=on, show_from=show_from, **kwargs)
        if on not in {"draft", "request"}:
            raise PolicyError(f"{name}: 'on' is 'draft' or 'request', not {on!r}")
        self._on, self._show_from = on, Severity(show_from)

    def _validate(self: Any, value: Any, metadata: Mapping[str, Any]) -> Any:
        case = _case(str(value), metadata, on_request=self._on == "request")
        found = detector.screen(case) if self._on == "request" else detector.check(case)
        serious = [f for f in found if f.severity.rank >= self._show_from.rank]
        return _result(str(value), serious, self._on, guardrails) if serious else guardrails.pass_result()

    members = {"__init__": __init__, "_validate": _validate, "__doc__": f"Wardround's {detector.name} detector."}
    guardrails.register(name=name, data_type="string")(type(f"Wardround_{detector.name}", (base,), members))


def _case(value: str, metadata: Mapping[str, Any], *, on_request: bool) -> Case:
    asked = value if on_request else str(metadata.get("request") or "")
    known: Any = metadata.get("patient")
    patient = None if known is None else Patient.model_validate(known)
    request = RoundRequest(messages=(Message(role="user", text=asked),), patient=patient)
    return Case(
        request=request,
        audience=None,
        language=str(metadata.get("language") or "und"),
        task=Task.OTHER,
        draft=None if on_request else value,
    )


def _result(value: str, findings: Sequence[Finding], channel: str, guardrails: _Guardrails) -> Any:
    """A failure with its spans, and the value without them where every finding marks its place."""
    placed = [(f, f.span) for f in findings if f.span is not None and f.span.channel == channel]
    spans = [guardrails.error_span(start=s.start, end=s.end, reason=f.message) for f, s in placed]
    return guardrails.fail_result(
        error_message=" ".join(dict.fromkeys(f.message for f in findings)),
        error_spans=spans,
        fix_value=_redacted(value, [s for _, s in placed]) if len(placed) == len(findings) else None,
        metadata={"findings": [f.as_json() for f in findings]},
    )


def _redacted(value: str, spans: Sequence[Span]) -> str:
    """The value with every span replaced; overlapping spans become one."""
    parts: list[str] = []
    done = 0
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        if span.start >= done:
            parts.extend((value[done : span.start], REDACTED))
        done = max(done, span.end)
    return "".join((*parts, value[done:]))
