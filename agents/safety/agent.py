"""The safety agent: runs every registered detector over a case. What each detector looks for lives in its own file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from wardround.policies.errors import PolicyError
from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from ..ports import Compute, Report
from .crisis import CrisisDetector
from .detector import AGENT, Detector, finding
from .emergency import EmergencyDetector
from .harmful import HarmfulRequestDetector
from .injection import InjectionDetector
from .language import LanguageDetector
from .modality import ModalityDetector
from .phi import PhiDetector
from .scope import ScopeDetector
from .unsafe_advice import UnsafeAdviceDetector

DETECTORS: tuple[type[Detector], ...] = (
    PhiDetector,
    InjectionDetector,
    CrisisDetector,
    EmergencyDetector,
    HarmfulRequestDetector,
    UnsafeAdviceDetector,
    LanguageDetector,
    ModalityDetector,
)
"""Every detector, in the order their findings are reported. A new one is one line here."""

INLINE_CHARS = 20_000
"""Cases with more text than this are read off the event loop, one detector at a time."""
MAX_CHARS = 2_000_000
"""Cases with more text than this are not read at all, and say so: the 10 MB request is refused, not half checked."""


class SafetyAgent:
    """Privacy, attack, crisis, harm, emergency, scope, language, modality: deterministic and offline."""

    name = AGENT

    def __init__(self, compute: Compute, detectors: Sequence[Detector] | None = None) -> None:
        self._compute = compute
        self._detectors = tuple(detectors) if detectors is not None else tuple(make() for make in DETECTORS)
        if not self._detectors:
            raise PolicyError(
                "The safety agent has no detector. Register at least one in wardround.agents.safety.agent."
            )

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Read the request, earlier turns, tool results and evidence."""
        return await self._run(case, settings, drafted=False)

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Read the draft and its tool calls in the light of the request."""
        return await self._run(case, settings, drafted=True)

    async def _run(self, case: Case, settings: Mapping[str, Any], *, drafted: bool) -> Report:
        active = self._active(settings)
        channels = _channels(case, drafted=drafted)
        notes = {"skipped": ", ".join(d.name for d in self._detectors if d not in active)}
        length = _length(case)
        if length > MAX_CHARS:
            return Report((_too_long(length),), (), notes)
        found: list[Finding] = []
        for detector in active:
            if length > INLINE_CHARS:
                found.extend(await self._compute.run(_read, detector, case, drafted))
            else:
                found.extend(_read(detector, case, drafted))
        found.sort(key=lambda f: -f.severity.rank)
        return Report(tuple(found), channels, {k: v for k, v in notes.items() if v})

    def _active(self, settings: Mapping[str, Any]) -> tuple[Detector, ...]:
        """The detectors that the policy leaves on: `agents: safety: detectors: {phi: false}` switches one off."""
        switches: Mapping[str, Any] = settings.get("detectors") or {}
        known = {d.name for d in self._detectors}
        for name, value in switches.items():
            if name not in known:
                raise PolicyError(f"Unknown detector {name!r} in agents.safety.detectors; known: {sorted(known)}.")
            if not isinstance(value, bool):
                raise PolicyError(f"agents.safety.detectors.{name} must be true or false.")
        on = tuple(d for d in self._detectors if switches.get(d.name, True))
        topics: Sequence[str] = settings.get("scope") or ()
        return (*on, _scoped(tuple(map(str, topics)))) if topics else on


@cache
def _scoped(topics: tuple[str, ...]) -> ScopeDetector:
    """The detector of the topics that a policy excludes: `agents: safety: scope: [veterinary]`."""
    return ScopeDetector(topics)


def _read(detector: Detector, case: Case, drafted: bool) -> Sequence[Finding]:
    """Findings of one detector; one that raises is named in an `agent_failure`, without the error's text."""
    try:
        return detector.check(case) if drafted else detector.screen(case)
    except Exception as error:  # noqa: BLE001 - any failure must become a finding, the others still report
        return (
            finding(
                FindingKind.AGENT_FAILURE,
                Severity.MAJOR,
                f"The {detector.name} detector failed ({type(error).__name__}); this text was not checked for it.",
                subjects=(AGENT, detector.name),
                confidence=1.0,
                code="safety.detector-failed",
            ),
        )


def _too_long(length: int) -> Finding:
    return finding(
        FindingKind.AGENT_FAILURE,
        Severity.MAJOR,
        f"The case has {length:,} characters, more than the {MAX_CHARS:,} that are checked. Send less at a time.",
        subjects=(AGENT,),
        confidence=1.0,
        code="safety.too-long",
    )


def _channels(case: Case, *, drafted: bool) -> tuple[str, ...]:
    """Channels that the detectors are given, for the receipt."""
    if drafted:
        calls = tuple(f"tool_call[{c.id}]" for c in case.tool_calls)
        return ((case.draft_channel,) if case.draft is not None else ()) + calls
    return tuple(channel for channel, _ in (*case.user_texts(), *case.evidence_texts(), *case.tool_results()))


def _length(case: Case) -> int:
    """Characters of all texts of a case."""
    texts = [m.text for m in case.request.messages] + [t for _, t in case.evidence_texts()]
    return sum(map(len, texts)) + len(case.draft or "") + sum(len(c.arguments) for c in case.tool_calls)
