"""Injection detector: attacks on the assistant in user text, evidence and tool results, and drafts that give in.

Severity: major for an attack by the user, or one in evidence that the draft follows; moderate for one that is merely
present. The words are in `data/injection.yaml`; masks are taken off in `unmask`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from .detector import (
    Reading,
    draft_readings,
    finding,
    reading,
    request_reading,
    span_of,
    untrusted_readings,
    user_readings,
)
from .injection_draft import agrees, carries_data_out, follows, leak
from .injection_grammar import Match, matches
from .unmask import views

THRESHOLD = 1.0
"""Summed weight of the patterns from which a text is an attack."""
EXTRACTION = "system prompt extraction"

_DELIMITERS = re.compile(
    r"<!--[^>]{0,60}\b(?:assistant|system|ai|model|instructions?)\b|<<\s{0,3}/?\s{0,3}(?:sys|system)\b|\[/?inst\]|<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id"
    r"|start_header_id)\|>"
    r"|</?(?:system|sys|instructions?|system_prompt|user_query|admin)>|#{2,4}\s{0,3}(?:system|new|hidden"
    r"|admin)\s{0,3}(?:prompt|message|instructions?|override)?\s{0,3}[:#\n]"
    r"|\[(?:system|admin|developer)(?:\s(?:override|message|note|prompt))?\s{0,3}[\]:]|\{\{\s{0,3}(?:system"
    r"|instruction)"
    r"|(?:^|\n)\s{0,4}(?:begin|start|end)(?:\sof)?\s(?:system\s)?(?:prompt|instructions)\b"
)
_ROLE_LINE = re.compile(r"(?:^|\n)[ \t]{0,4}(?:assistant|system|developer)[ \t]{0,2}:\s")
_IMAGE = re.compile(
    r"!\[[^\]\n]{0,200}\]\(\s{0,3}(?:https?:)?//[^)\s]{1,500}[?=#{/][^)\n]{0,500}\)"
    r"|<img\s[^>]{0,300}src\s?=\s?[\"']?https?://[^>]{1,500}[?=]"
)


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack found in one text."""

    where: Reading
    subject: str
    start: int
    end: int
    weight: float
    masked: str
    """The mask it wore, or empty."""
    code: str
    pressure: bool = False


class InjectionDetector:
    """Instructions that somebody smuggles past the application."""

    name = "injection"
    kind = FindingKind.INJECTION

    def screen(self, case: Case) -> Sequence[Finding]:
        """Attacks in what people wrote (major) and in what nobody vouches for (moderate)."""
        return [*_by_user(case), *(_in_evidence(a, case) for a in _smuggled(case))]

    def check(self, case: Case) -> Sequence[Finding]:
        """Drafts that follow a smuggled instruction, give the system prompt away, or carry data out."""
        found: list[Finding] = []
        extraction, pressed = _asked(case)
        smuggled = _smuggled(case)
        for draft in draft_readings(case):
            found += _leaked(draft, case, extraction)
            found += [f for a in smuggled if (f := _followed(draft, a, case))]
            found += [_yielded(draft)] if pressed and agrees(draft) else []
            if span := carries_data_out(draft, _IMAGE):
                found.append(_exfiltrated(draft, span))
        return found


def attack_in(where: Reading, *, untrusted: bool) -> Attack | None:
    """The strongest attack that any view of a text shows."""
    best: Attack | None = None
    for view in views(where):
        hits = matches(view.folded, untrusted=untrusted)
        weight = _weight(hits) + _marks_weight(view.folded, hits, untrusted)
        if weight < THRESHOLD or (best is not None and best.weight >= weight):
            continue
        lead = max(hits, key=lambda h: h.pattern.weight, default=None)
        start, end = _place(view.folded, hits)
        offsets = (view.start + start, view.start + end) if view.aligned else (view.start, view.end)
        masked = "" if view.how == "plain" else view.how
        subject = _subject(hits)
        code = f"injection.{lead.pattern.id}" if lead else "injection.delimiter"
        pressure = bool(hits) and all(h.pattern.pressure for h in hits if h.pattern.weight >= THRESHOLD)
        best = Attack(where, subject, *offsets, weight, masked, code, pressure and _weight(_attacks(hits)) < THRESHOLD)
    return best


def gives_instructions(text: str) -> bool:
    """Whether a text that nobody vouches for tries to give a model instructions, by the rules alone: about 0.2 ms."""
    return attack_in(reading("evidence", text), untrusted=True) is not None


def _attacks(hits: Sequence[Match]) -> list[Match]:
    return [h for h in hits if not h.pattern.pressure]


def _weight(hits: Sequence[Match]) -> float:
    return sum({h.pattern.id: h.pattern.weight for h in hits}.values())


def _marks_weight(folded: str, hits: Sequence[Match], untrusted: bool) -> float:
    """Prompt-like delimiters count by themselves in evidence, beside something else in a request; images likewise."""
    weight = 0.0
    if _DELIMITERS.search(folded):
        weight += 1.0 if untrusted else 0.6 + (0.4 if hits else 0.0)
    if _ROLE_LINE.search(folded) and hits:
        weight += 0.6
    if _IMAGE.search(folded) and (untrusted or hits):
        weight += 0.7 if untrusted else 1.0
    return weight


def _place(folded: str, hits: Sequence[Match]) -> tuple[int, int]:
    if hits:
        lead = max(hits, key=lambda h: h.pattern.weight)
        return lead.start, lead.end
    m = _DELIMITERS.search(folded) or _IMAGE.search(folded)
    return m.span() if m else (0, len(folded))


def _subject(hits: Sequence[Match]) -> str:
    """Extraction where any pattern asks for it, else the heaviest pattern's subject."""
    subjects = [
        h.pattern.subject for h in sorted(hits, key=lambda h: -h.pattern.weight) if h.pattern.weight >= THRESHOLD
    ]
    if EXTRACTION in subjects:
        return EXTRACTION
    return subjects[0] if subjects else (hits[0].pattern.subject if hits else "prompt delimiter")


def _by_user(case: Case) -> list[Finding]:
    found: list[Finding] = []
    for where in user_readings(case):
        attack = attack_in(where, untrusted=False)
        if attack is not None:
            major = where.channel == "request" and not attack.pressure
            message = (
                "The user presses for agreement."
                if attack.pressure
                else "The user tries to change the assistant's rules or to read them out."
            )
            found.append(_finding(attack, Severity.MAJOR if major else Severity.MODERATE, message, (attack.subject,)))
    return found


def _smuggled(case: Case) -> list[Attack]:
    return [a for where in untrusted_readings(case) if (a := attack_in(where, untrusted=True))]


def _origin(attack: Attack) -> str:
    return "retrieved evidence" if attack.where.channel.startswith("evidence[") else "tool result"


def _in_evidence(attack: Attack, case: Case) -> Finding:
    del case
    origin = _origin(attack)
    message = f"A text that came as {origin} holds instructions for the assistant; they must not be followed."
    return _finding(attack, Severity.MODERATE, message, (origin, attack.subject))


def _followed(draft: Reading, attack: Attack, case: Case) -> Finding | None:
    """The draft says what the smuggled instruction demands."""
    others = [r for r in (*untrusted_readings(case), *user_readings(case)) if r.channel != attack.where.channel]
    span = follows(draft, attack.where, (attack.start, attack.end), others)
    if span is None:
        return None
    origin = _origin(attack)
    return finding(
        FindingKind.INJECTION,
        Severity.MAJOR,
        f"The draft follows instructions hidden in {origin}; what it says there comes from an attacker.",
        subjects=(origin, "followed instruction"),
        confidence=0.9,
        span=span_of(draft, *span),
        code="injection.followed",
    )


def _asked(case: Case) -> tuple[bool, bool]:
    """Whether the user asked for the system prompt, and whether the user presses for agreement."""
    attack = attack_in(request_reading(case), untrusted=False)
    return (attack is not None and attack.subject == EXTRACTION, attack is not None and attack.pressure)


def _leaked(draft: Reading, case: Case, extraction: bool) -> list[Finding]:
    secret = [m.text for m in case.request.messages if m.role in {"system", "developer"}]
    span = leak(draft, secret, asked=extraction)
    if span is None:
        return []
    message = "The draft gives away text of the application's system prompt."
    return [
        finding(
            FindingKind.INJECTION,
            Severity.MAJOR,
            message,
            subjects=(EXTRACTION,),
            confidence=0.9,
            span=span_of(draft, *span),
            code="injection.leak",
        )
    ]


def _yielded(draft: Reading) -> Finding:
    return finding(
        FindingKind.INJECTION,
        Severity.MAJOR,
        "The draft agrees at once with a user who demands agreement without warnings.",
        subjects=("pressure to agree",),
        confidence=0.75,
        span=span_of(draft, 0, min(len(draft.text), 120)),
        code="injection.yielded",
    )


def _exfiltrated(draft: Reading, span: tuple[int, int]) -> Finding:
    return finding(
        FindingKind.INJECTION,
        Severity.MAJOR,
        "The draft embeds a remote image whose address can carry data out of the conversation.",
        subjects=("data exfiltration",),
        confidence=0.8,
        span=span_of(draft, *span),
        code="injection.image",
    )


def _finding(attack: Attack, severity: Severity, message: str, subjects: Sequence[str]) -> Finding:
    hidden = f" It was masked ({attack.masked})." if attack.masked else ""
    return finding(
        FindingKind.INJECTION,
        severity,
        message + hidden,
        subjects=dict.fromkeys(subjects),
        confidence=min(0.97, 0.6 + 0.3 * attack.weight),
        span=span_of(attack.where, attack.start, attack.end),
        code=attack.code,
    )
