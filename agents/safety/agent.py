"""The safety agent: runs every registered detector over a case. What each detector looks for lives in its own file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from wardround.policies.errors import PolicyError
from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from ..ports import Compute, Report
from . import trained
from .crisis import CrisisDetector
from .detector import AGENT, Detector, finding
from .emergency import EmergencyDetector
from .encoder import MAX_CHARS as MAX_READ
from .encoder import encoder
from .gloss import MAX_CHARS as MAX_GLOSSED
from .gloss import language_of
from .harmful import HarmfulRequestDetector
from .heads import read
from .injection import InjectionDetector
from .language import LanguageDetector
from .modality import ModalityDetector
from .phi import PhiDetector
from .scope import ScopeDetector
from .trained import Trained
from .unsafe_advice import UnsafeAdviceDetector

DETECTORS: tuple[Callable[[], Detector], ...] = (
    lambda: PhiDetector(tagger=True),
    lambda: trained.injection(InjectionDetector()),
    lambda: trained.crisis(CrisisDetector()),
    lambda: trained.emergency(EmergencyDetector()),
    lambda: trained.harmful(HarmfulRequestDetector()),
    lambda: trained.unsafe_advice(UnsafeAdviceDetector()),
    LanguageDetector,
    ModalityDetector,
)
"""Every detector, in the order their findings are reported. A new one is one line here."""
_LEARNED = (Trained, PhiDetector)
"""Detectors that the encoder stands beside; `rules` is each one without it."""
INLINE_WINDOWS_CHARS = 120
"""Texts with more characters than this are read by the encoder off the event loop (about 2 ms for this many)."""

UNREADABLE = frozenset({"zh", "hi"})
"""Languages that the encoder reads as a gloss alone."""
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
        if not _with_encoder(settings):
            active = tuple(map(without_encoder, active))
        else:
            active, failed, read = await self._read_ahead(active, case, drafted=drafted)
            found.extend(failed)
            notes["encoder"] = read
        for detector in active:
            if length > INLINE_CHARS:
                found.extend(await self._compute.run(_read, detector, case, drafted))
            else:
                found.extend(_read(detector, case, drafted))
        found.sort(key=lambda f: -f.severity.rank)
        return Report(tuple(found), channels, {k: v for k, v in notes.items() if v})

    async def _read_ahead(
        self, active: Sequence[Detector], case: Case, *, drafted: bool
    ) -> tuple[tuple[Detector, ...], tuple[Finding, ...], str]:
        """Let the encoder read all texts at once, off the event loop where they are long; detectors find them read.

        Where it fails the rules go on alone, with one `agent_failure`.
        """
        judged = _texts([d for d in active if isinstance(d, Trained)], case, drafted=drafted)
        tagged = _texts([d for d in active if isinstance(d, PhiDetector)], case, drafted=drafted)
        texts = dict.fromkeys((*judged, *tagged))
        if not texts:
            return tuple(active), (), ""
        try:
            if sum(map(len, texts)) > INLINE_WINDOWS_CHARS:
                await self._compute.run(_look_over, judged, tagged)
            else:
                _look_over(judged, tagged)
        except Exception as error:  # noqa: BLE001 - any failure must become a finding, the rules still report
            return tuple(map(without_encoder, active)), (_encoder_failed(error),), ""
        unread = sum(max(0, len(t) - (MAX_GLOSSED if language_of(t) in UNREADABLE else MAX_READ)) for t in texts)
        return tuple(active), (), f"{unread} characters in the middle were left to the rules" if unread else ""

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


def without_encoder(detector: Detector) -> Detector:
    """The rules of a detector alone; itself, where no encoder stands beside it."""
    return detector.rules if isinstance(detector, _LEARNED) else detector


def _with_encoder(settings: Mapping[str, Any]) -> bool:
    """Whether the policy leaves the encoder on: `agents: safety: encoder: false` leaves the rules alone."""
    value = settings.get("encoder", True)
    if not isinstance(value, bool):
        raise PolicyError("agents.safety.encoder must be true or false.")
    return value


def _texts(detectors: Sequence[Trained | PhiDetector], case: Case, *, drafted: bool) -> list[str]:
    """What the encoder will be asked about, each text once."""
    return list(dict.fromkeys(t for d in detectors for t in d.texts(case, drafted=drafted)))


def _look_over(judged: Sequence[str], tagged: Sequence[str]) -> None:
    """Read the texts into the encoder's memory: those of the heads with their glosses, those of the tagger as they
    stand."""
    read(judged, encoder())
    encoder().see(tagged)


def _encoder_failed(error: Exception) -> Finding:
    return finding(
        FindingKind.AGENT_FAILURE,
        Severity.MAJOR,
        f"The encoder of the safety agent failed ({type(error).__name__}); this text was checked by rules alone.",
        subjects=(AGENT, "encoder"),
        confidence=1.0,
        code="safety.encoder-failed",
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
