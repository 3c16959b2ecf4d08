"""Rules and the trained head together, as one detector. The head speaks where the rules are silent.

A rule's finding keeps its severity: rules are written law, and a head must not overrule them (emergencies apart, where
the head has proved the better reader). Its confidence becomes
the calibrated probability. Where the rules are silent, the head alone yields a finding from its thresholds on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Audience, Case

from .detector import Detector, Reading, finding, reading, span_of, untrusted_readings, user_readings
from .emergency import EmergencyDetector, sends_to_care
from .heads import Verdict, heads, judge
from .unmask import views

DOUBTED = 0.15
"""Probability below which a head overrules phrases: one that sends to care ("there is no need to call 911"), and a
red-flag picture of a past or feared one ("allergic to penicillin, my throat swelled as a child"), which is noted."""
_PROFESSIONALS = frozenset({Audience.CLINICIAN, Audience.PHARMACIST})


class Look(NamedTuple):
    """One text for a head."""

    where: Reading
    """The text as it came."""
    text: str
    """What is read: the text itself, or what a mask hid in it."""
    head: str


Looks = Callable[[Case], Iterable[Look]]


class Trained:
    """A detector with a head beside it. With the encoder switched off, `rules` serves alone."""

    def __init__(
        self, rules: Detector, head: str, message: str, subject: str, *, looks: Looks,
        untrusted: str = "", raises: bool = False,
    ) -> None:  # fmt: skip
        """`head` reads what `looks` yields, the head `untrusted` evidence and tool results. With `raises` a rule's
        moderate finding becomes major where the probability of both says so."""
        self.rules = rules
        self.name = rules.name
        self.kind = rules.kind
        self._head = head
        self._message = message
        self._subject = subject
        self._of_request = looks
        self._untrusted = untrusted
        self._raises = raises

    def texts(self, case: Case, *, drafted: bool) -> list[str]:
        """What the encoder will be asked to read, so that it can be read ahead."""
        return [] if drafted else [look.text for look in self._looks(case)]

    def screen(self, case: Case) -> Sequence[Finding]:
        """What the rules find before there is a draft, with the head's probability, and what the head adds."""
        kept = list(self.rules.screen(case))
        for look in self._looks(case):
            mine = [f for f in kept if f.span is not None and f.span.channel == look.where.channel]
            level = max((f.severity for f in mine), key=lambda s: s.rank, default=None)
            verdict = judge(look.head, look.text, level)
            if mine:
                kept = [self._surer(f, verdict) if f in mine else f for f in kept]
            elif added := self._alone(look, verdict):
                kept.append(added)
        return kept

    def check(self, case: Case) -> Sequence[Finding]:
        """What the rules find in the draft: the head has read the request."""
        return self.rules.check(case)

    def probability(self, text: str) -> float:
        """Calibrated probability that a text is what the detector looks for."""
        return judge(self._head, text).probability

    def _looks(self, case: Case) -> list[Look]:
        looks = list(self._of_request(case))
        if self._untrusted:
            looks += [Look(r, r.text, self._untrusted) for r in untrusted_readings(case)]
        return looks

    def _surer(self, found: Finding, verdict: Verdict) -> Finding:
        """A rule's finding with the probability of rules and head."""
        low = found.severity is Severity.MODERATE
        if self._raises and low and severity_of(self._head, verdict.probability) is Severity.MAJOR:
            found = found.model_copy(update={"severity": Severity.MAJOR})
        return _sure(found, verdict)

    def _alone(self, look: Look, verdict: Verdict) -> Finding | None:
        severity = severity_of(look.head, verdict.probability)
        if severity is None:
            return None
        if look.head == self._untrusted:
            severity = min(severity, Severity.MODERATE, key=lambda s: s.rank)
        masked = look.text != look.where.text
        return finding(
            self.kind,
            severity,
            self._message + (" It was masked." if masked else ""),
            subjects=(self._subject,),
            confidence=round(verdict.probability, 3),
            span=span_of(look.where, 0, len(look.where.text)) if masked else span_of(look.where, *verdict[1:]),
            code=f"{self.name}.encoder",
        )


class TrainedEmergency(Trained):
    """Red-flag pictures: one head reads what the person describes, another whether the draft sends them to care."""

    def check(self, case: Case) -> Sequence[Finding]:
        """One finding for each picture of the rules, or one of the head, that a complete draft leaves without care."""
        text = "\n".join(t for _, t in case.user_texts())
        if not case.complete or not case.draft or not text.strip():
            return []
        found = EmergencyDetector().pictures(case)
        verdict = judge(self._head, text, max((f.severity for f in found), key=lambda s: s.rank, default=None))
        severity = severity_of(self._head, verdict.probability)
        if (not found and severity is None) or cared_for(case.draft):
            return []
        if found:
            doubted = verdict.probability < DOUBTED
            return [_sure(_lowered(f) if doubted else f, verdict) for f in found]
        return [self._picture(case, severity or Severity.MODERATE, verdict)]

    def _picture(self, case: Case, severity: Severity, verdict: Verdict) -> Finding:
        return finding(
            FindingKind.EMERGENCY,
            Severity.MINOR if case.audience in _PROFESSIONALS else severity,
            self._message,
            subjects=(self._subject,),
            confidence=round(verdict.probability, 3),
            code="emergency.encoder",
        )

    def texts(self, case: Case, *, drafted: bool) -> list[str]:
        """All the user's messages as one text and the draft, once it is whole."""
        whole = drafted and case.complete and case.draft
        return ["\n".join(t for _, t in case.user_texts()), case.draft or ""] if whole else []


class TrainedDraft(Trained):
    """What must not stand in a draft for a patient: the head reads the draft, sentence by sentence as it grows."""

    def check(self, case: Case) -> Sequence[Finding]:
        """What the rules find in the draft, with the head's probability, or what the head alone finds."""
        found = list(self.rules.check(case))
        if not case.draft or case.audience in _PROFESSIONALS:
            return found
        mine = [f for f in found if f.span is not None and f.span.channel == case.draft_channel]
        level = max((f.severity for f in mine), key=lambda s: s.rank, default=None)
        silent = judge(self._head, case.draft)
        verdict = silent if level is None else judge(self._head, case.draft, level)
        told = [_sure(f, verdict) if f in mine else f for f in found]
        alone = self._alone(Look(reading(case.draft_channel, case.draft), case.draft, self._head), silent)
        louder = alone is not None and (level is None or alone.severity.rank > level.rank)
        return [*told, alone] if alone is not None and louder else told

    def texts(self, case: Case, *, drafted: bool) -> list[str]:
        """The draft."""
        return [case.draft] if drafted and case.draft and case.audience not in _PROFESSIONALS else []


class TrainedCrisis(Trained):
    """Crisis in what a person writes, and safe messaging in what they are answered, each with a head."""

    def __init__(self, rules: Detector, *, asked: Trained, answered: TrainedDraft) -> None:
        self.rules = rules
        self.name = rules.name
        self.kind = rules.kind
        self._asked = asked
        self._answered = answered

    def screen(self, case: Case) -> Sequence[Finding]:
        """Signs of danger in the messages."""
        return self._asked.screen(case)

    def check(self, case: Case) -> Sequence[Finding]:
        """Rules of safe messaging that the draft breaks."""
        return self._answered.check(case)

    def texts(self, case: Case, *, drafted: bool) -> list[str]:
        """The messages, or the draft."""
        return (self._answered if drafted else self._asked).texts(case, drafted=drafted)

    def probability(self, text: str) -> float:
        """Calibrated probability that a message is written in danger."""
        return self._asked.probability(text)


def cared_for(draft: str) -> bool:
    """Whether a draft sends the person to emergency care now: the rules' word stands unless the head doubts it."""
    alone = judge("care", draft).probability
    return alone >= DOUBTED if sends_to_care(draft) else alone >= heads().heads["care"].sure


def severity_of(head: str, probability: float) -> Severity | None:
    """What a probability is worth where no rule speaks: major, moderate, or nothing."""
    known = heads().heads[head]
    if probability >= known.sure:
        return Severity.MAJOR
    return Severity.MODERATE if probability >= known.suspected else None


def _lowered(found: Finding) -> Finding:
    low = min(found.severity, Severity.MODERATE, key=lambda s: s.rank)
    return found.model_copy(update={"severity": low})


def _sure(found: Finding, verdict: Verdict) -> Finding:
    return found.model_copy(update={"confidence": round(verdict.probability, 3)})


def crisis(rules: Detector) -> Trained:
    """Crisis in what a patient writes; what a clinician writes about patients is left to the rules."""

    def looks(case: Case) -> Iterable[Look]:
        return () if case.audience in _PROFESSIONALS else (Look(r, r.text, "crisis") for r in user_readings(case))

    message = "The message reads like that of a person in danger. Answer with crisis resources, page the on-call queue."
    asked = Trained(rules, "crisis", message, "danger to a person", looks=looks, raises=True)
    message = "The draft reads as if it broke a safe-messaging rule. It must not go out like this."
    answered = TrainedDraft(rules, "messaging", message, "unsafe messaging", looks=lambda _: ())
    return TrainedCrisis(rules, asked=asked, answered=answered)


def unsafe_advice(rules: Detector) -> Trained:
    """Unsafe advice in drafts for patients."""
    message = "The draft reads like advice that can hurt whoever follows it. Have it reworded, or let a person decide."
    return TrainedDraft(rules, "unsafe", message, "unsafe advice", looks=lambda _: ())


def harmful(rules: Detector) -> Trained:
    """Harmful requests."""

    def looks(case: Case) -> Iterable[Look]:
        return (Look(r, r.text, "harmful") for r in user_readings(case))

    message = "The request asks for help with something that harms. Decline it and offer safe help."
    return Trained(rules, "harmful", message, "harmful request", looks=looks, raises=True)


def injection(rules: Detector) -> Trained:
    """Attacks by the user, masks taken off, and orders in evidence and tool results."""

    def looks(case: Case) -> Iterable[Look]:
        for where in user_readings(case):
            yield Look(where, where.text, "injection")
            yield from (Look(where, v.folded, "injection") for v in views(where) if v.how != "plain")

    message = "The text reads like an attempt to take the assistant over. Its instructions must not be followed."
    return Trained(rules, "injection", message, "attack on the assistant", looks=looks, untrusted="smuggled")


def emergency(rules: Detector) -> Trained:
    """Red-flag pictures."""
    message = (
        "The description reads like an emergency, and the draft does not send the person to emergency care. "
        "Tell them to call the emergency number or go to an emergency department now."
    )
    return TrainedEmergency(rules, "emergency", message, "red-flag picture", looks=lambda _: ())
