"""PHI detector: the Safe Harbor identifiers in requests, evidence, drafts and tool arguments, and whose they are.

Promises: every finding has a span over the identifier alone, messages quote nothing, an identifier that the user wrote
is no leak when it comes back to them. Does not promise to know two people of the same name apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from .detector import Reading, draft_readings, finding, span_of, untrusted_readings, user_readings
from .phi_dates import about_care, dates
from .phi_names import names
from .phi_ownership import Owner, Text, conversation, same_person
from .phi_patterns import Hit, has_long_number, labelled, phones, shaped
from .phi_places import places
from .phi_public import confirmations, diagnoses, for_public, for_third_party
from .phi_tagger import tagged

STRONG = frozenset(
    {"mrn", "ssn", "date of birth", "insurance id", "account", "phone", "email", "licence", "biometric id"}
)
"""Subjects that identify somebody by themselves."""
WEAK = frozenset({"date", "age", "place", "organisation"})
"""Subjects that identify only beside something else."""
SURE = 0.7
"""Confidence from which a name or address counts by itself."""
NEAR_CHARS = 300
"""How far another identifier may stand to make a weak one count."""


class PhiDetector:
    """Identifiers of people. With `tagger` the encoder widens what the rules see in running text."""

    name = "phi"
    kind = FindingKind.PHI

    def __init__(self, *, tagger: bool = False) -> None:
        self._tagger = tagger

    @property
    def rules(self) -> PhiDetector:
        """The detector without the encoder."""
        return PhiDetector()

    def texts(self, case: Case, *, drafted: bool) -> list[str]:
        """What the encoder will be asked to read, so that it can be read ahead."""
        readings = draft_readings(case) if drafted else (*user_readings(case), *untrusted_readings(case))
        return [where.text for where in readings]

    def screen(self, case: Case) -> Sequence[Finding]:
        """Identifiers in the request, earlier turns, tool results and evidence: recorded, for the policy to redact."""
        return [
            _finding(where, hit, Severity.MINOR, "stands in the text that came in")
            for where in (*user_readings(case), *untrusted_readings(case))
            for hit in identifiers(where, tagger=self._tagger)
        ]

    def check(self, case: Case) -> Sequence[Finding]:
        """Identifiers in the draft and its tool calls, judged by whose they are and who will read them."""
        drafts = [(where, identifiers(where, tagger=self._tagger)) for where in draft_readings(case)]
        public = for_public(case)
        if not public and not any(hits for _, hits in drafts):
            return []
        known = conversation(case)
        related = _related(case, known)
        found: list[Finding] = []
        for where, hits in drafts:
            judged = _public(where, hits, known) if public else _private(where, hits, known, related)
            judged += [] if public else _beyond_need(where, hits, known, case)
            found.extend(_led(where, judged))
        return found


def identifiers(where: Reading, *, tagger: bool = False) -> list[Hit]:
    """Every identifier of a text, in its order; where two rules meet, the surer and longer one stays.

    With `tagger` what the encoder sees beside them is added; a rule's hit always stands before it.
    """
    candidates: list[Hit] = [*names(where), *places(where)]
    if any(c.isdigit() for c in where.folded):
        candidates += [*dates(where), *labelled(where)]
        candidates += phones(where) if has_long_number(where) else ()
    candidates += shaped(where)
    kept = _without_overlap(candidates)
    return _widened(where, kept, tagged(where)) if tagger else kept


def _widened(where: Reading, kept: Sequence[Hit], seen: Iterable[Hit]) -> list[Hit]:
    """The rules' hits, and of the tagger's what they leave uncovered."""
    found = list(kept)
    for hit in seen:
        start = hit.start
        for rule in (*(k for k in kept if k.start < hit.end and hit.start < k.end), None):
            end = rule.start if rule is not None else hit.end
            text = where.text[start:end]
            if any(c.isalnum() for c in text):
                left = len(text) - len(text.lstrip(" ,.;:\n\t-"))
                found.append(replace(hit, start=start + left, end=start + len(text.rstrip(" ,.;:\n\t-"))))
            start = rule.end if rule is not None else start
    return sorted(found, key=lambda h: h.start)


def _without_overlap(hits: Iterable[Hit]) -> list[Hit]:
    kept: list[Hit] = []
    end = -1
    for hit in sorted(hits, key=lambda h: (h.start, -h.end, -h.confidence)):
        if hit.start >= end:
            kept.append(hit)
            end = hit.end
        elif hit.end > kept[-1].end or _outranks(hit, kept[-1]):
            kept[-1] = hit if _outranks(hit, kept[-1]) else kept[-1]
            end = max(end, kept[-1].end)
    return kept


def _outranks(hit: Hit, other: Hit) -> bool:
    """The surer of two; a name inside an address stays part of the address."""
    if other.subject == "address" and hit.subject == "name":
        return False
    return hit.confidence > other.confidence


def _related(case: Case, known: Text) -> list[Text]:
    untrusted = untrusted_readings(case)
    return same_person(case, known, [(where, identifiers(where)) for where in untrusted]) if untrusted else []


def _owner(where: Reading, hit: Hit, known: Text, related: Sequence[Text]) -> Owner:
    if known.holds(where, hit):
        return Owner.CONVERSATION
    return Owner.SAME_PERSON if any(text.holds(where, hit) for text in related) else Owner.OTHER


Judged = tuple[Hit, Severity, str]


def _private(where: Reading, hits: Sequence[Hit], known: Text, related: Sequence[Text]) -> list[Judged]:
    """A draft that only the person asking will read."""
    owners = [(hit, _owner(where, hit, known, related)) for hit in hits]
    foreign = [hit for hit, owner in owners if owner is Owner.OTHER and not hit.role]
    judged = [(hit, *_judge(where, hit, owner, foreign)) for hit, owner in owners]
    leaked = [h for h, severity, _ in judged if severity is Severity.MAJOR and h.subject in STRONG | {"name"}]
    judged += [(h, Severity.MAJOR, "is tied to an identified person") for h in diagnoses(where, leaked)]
    return judged


def _beyond_need(where: Reading, hits: Sequence[Hit], known: Text, case: Case) -> list[Judged]:
    """Diagnoses of a named person in a text for somebody outside care, where nobody asked to mention them."""
    named = [h for h in hits if h.subject == "name" and not h.role and known.holds(where, h)]
    if not named or not for_third_party(case):
        return []
    message = "goes to somebody outside care who was not to be told it"
    return [(h, Severity.MAJOR, message) for h in diagnoses(where, named) if not known.holds(where, h)]


def _judge(where: Reading, hit: Hit, owner: Owner, foreign: Sequence[Hit]) -> tuple[Severity, str]:
    if owner is Owner.CONVERSATION:
        return Severity.MINOR, "was given in the conversation"
    if owner is Owner.SAME_PERSON:
        return Severity.MINOR, "comes from the record of the person asked about"
    if hit.role:
        return Severity.MINOR, f"belongs to a {hit.role}"
    message = "was not given in the conversation"
    if hit.subject in WEAK:
        beside = any(
            h.subject not in WEAK and abs(h.start - hit.start) <= NEAR_CHARS for h in foreign if _counts(h, foreign)
        )
        care = hit.subject == "age" or about_care(where, hit.start)
        return (Severity.MAJOR if beside and care else Severity.MINOR), message
    return (Severity.MAJOR if _counts(hit, foreign) else Severity.MINOR), message


def _counts(hit: Hit, foreign: Sequence[Hit]) -> bool:
    """Whether a hit is sure enough, by itself or beside another that identifies."""
    if hit.subject == "url":
        return hit.code == "phi.url.personal"
    if hit.confidence >= SURE or hit.subject in STRONG:
        return True
    beside = STRONG | {"date", "address"} if hit.subject == "name" and hit.code == "phi.name.looks" else STRONG
    return any(h.subject in beside and abs(h.start - hit.start) <= NEAR_CHARS for h in foreign)


def _public(where: Reading, hits: Sequence[Hit], known: Text) -> list[Judged]:
    """A draft that strangers will read: even what the user wrote must not stand in it."""
    message = "would be disclosed to the public"
    judged: list[Judged] = []
    people: list[Hit] = []
    named = any(h.subject == "name" and not h.role for h in hits)
    for hit in hits:
        private = (
            not hit.role and hit.subject != "url" and (hit.subject not in WEAK or named or about_care(where, hit.start))
        )
        own_line = hit.subject in {"phone", "email", "address"} and known.holds(where, hit)
        sure = hit.subject != "name" or hit.confidence >= SURE or known.holds(where, hit)
        serious = private and sure and not own_line
        judged.append((hit, Severity.MAJOR if serious else Severity.MINOR, message))
        people += [hit] if serious else []
    confirming = list(confirmations(where))
    judged += [(h, Severity.MAJOR, message) for h in confirming]
    judged += [(h, Severity.MAJOR, message) for h in diagnoses(where, [*people, *confirming])]
    return judged


def _led(where: Reading, judged: Sequence[Judged]) -> list[Finding]:
    """Findings of one channel; the first of the serious ones names every subject that is disclosed beside it."""
    ordered = sorted(judged, key=lambda j: (-j[1].rank, j[0].start))
    serious = tuple(dict.fromkeys(hit.subject for hit, severity, _ in ordered if severity is Severity.MAJOR))
    out: list[Finding] = []
    for position, (hit, severity, why) in enumerate(ordered):
        leading = position == 0 and severity is Severity.MAJOR
        out.append(_finding(where, hit, severity, why, beside=serious if leading else ()))
    return out


def _finding(where: Reading, hit: Hit, severity: Severity, why: str, *, beside: Sequence[str] = ()) -> Finding:
    subjects = tuple(dict.fromkeys((hit.subject, *beside)))

    message = f"An identifier ({hit.subject}) {why}." if hit.subject != "diagnosis" else f"A diagnosis {why}."
    if len(subjects) > 1:
        message += f" Disclosed together: {', '.join(subjects)}."
    return finding(
        FindingKind.PHI,
        severity,
        message,
        subjects=subjects,
        confidence=hit.confidence,
        span=span_of(where, hit.start, hit.end),
        code=hit.code,
    )
