"""What a request is: for whom, in which language, what clinical task. Judged from words, never from a model."""

from __future__ import annotations

import re

from wardround.policies.request import Audience, RoundRequest, Task

from .language import detect_language
from .state import Intake

MINIMUM_CONFIDENCE = 0.5
"""Below this probability of the language detector the language counts as unknown."""
SURE_TASK = 0.7
"""Probability from which the encoder's word on the task counts, where no rule tells one."""
ENCODED_CHARACTERS = 400
"""How much of a request the encoder reads to tell its task, a window or two; what is shorter the checks find read."""
READ_CHARACTERS = 4000
"""How much of the conversation's end is read to tell audience and task, characters."""


def _words(*stems: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(stems) + r")", re.IGNORECASE)


_CLINICIAN = _words(
    r"\d{1,3}\s?[mf]\b", r"pts?\b", r"[hr]x\b", r"dx\b", r"s/p\b", r"c/o\b", r"bid\b", r"tid\b", r"q\d{1,2}h\b",
    r"prn\b", r"egfr\b", r"crcl\b", r"differential", r"my patient", r"our patient", r"the patient",
    r"on exam", r"y/?o\b",
)  # fmt: skip
_PHARMACIST = _words(r"dispens", r"counsel(?:l?ing)? (?:line|point)", r"pharmacist", r"formulary", r"compounding")
_PATIENT = _words(
    r"my (?:doctor|dr|gp|mom|mum|dad|son|daughter|wife|husband|kid|baby|meds?|pills?|period|blood pressure)\b",
    r"i(?:'m| am| have|'ve| took| take| feel| got)\b", r"should i\b", r"can i\b", r"me\b",
)  # fmt: skip
_TASKS: tuple[tuple[Task, re.Pattern[str]], ...] = (
    (
        Task.MENTAL_HEALTH,
        _words(
            r"depress", r"anxi", r"panic", r"suicid", r"self.?harm", r"hopeless", r"therap(?:y|ist)\b", r"kill myself",
        ),
    ),
    (Task.LETTER, _words(r"letter", r"referral", r"sick note", r"e-?mail", r"(?:public )?reply", r"prior auth")),
    (Task.RECORD_SUMMARY, _words(r"summar", r"sign-?out", r"hand-?(?:off|over)", r"discharge note", r"condense")),
    (
        Task.DRUG_QUESTION,
        _words(
            r"dos(?:e|es|ing|age)\b", r"mg\b", r"mcg\b", r"tablets?\b", r"pills?\b", r"interact", r"side effects?",
            r"medic(?:ation|ine)s?\b", r"prescri", r"antibiotic", r"taper", r"overdose", r"inhaler", r"insulin",
        ),
    ),
    (
        Task.DECISION_SUPPORT,
        _words(r"differential", r"diagnos", r"work-?up", r"manage(?:ment)?\b", r"treat", r"guideline", r"triage"),
    ),
    (Task.PATIENT_EDUCATION, _words(r"what (?:is|are|does)", r"explain", r"how (?:do|does|can|long)", r"leaflet")),
)  # fmt: skip


def understand(request: RoundRequest, *, encoder: bool = False) -> Intake:
    """Audience, language and task of a request; the client's own word goes first, unknown stays unknown.

    With `encoder` a task that no word tells is asked of the safety agent's encoder.
    """
    users = "\n".join(m.text for m in request.messages if m.role == "user")[-READ_CHARACTERS:]
    return Intake(
        audience=request.audience or _audience(request, users),
        language=request.language or _language(request.text or users),
        task=_task(request.text[-READ_CHARACTERS:], encoder=encoder),
    )


def _language(text: str) -> str:
    language, confidence = detect_language(text[:READ_CHARACTERS])
    return language if confidence >= MINIMUM_CONFIDENCE else "und"


def _audience(request: RoundRequest, users: str) -> Audience | None:
    system = "\n".join(m.text for m in request.messages if m.role in {"system", "developer"})[:READ_CHARACTERS]
    if _PHARMACIST.search(users) or "pharmacist" in system.lower():
        return Audience.PHARMACIST
    clinician = len(_CLINICIAN.findall(users))
    patient = len(_PATIENT.findall(users))
    if clinician == patient:
        return None
    return Audience.CLINICIAN if clinician > patient else Audience.PATIENT


def _task(text: str, *, encoder: bool) -> Task:
    told = next((task for task, words in _TASKS if words.search(text)), Task.OTHER)
    return _learned_task(text[:ENCODED_CHARACTERS]) if encoder and told is Task.OTHER else told


def _learned_task(text: str) -> Task:
    """The task that the encoder's head is sure of. Where it fails none is told: the safety agent reports it."""
    from .safety.encoder import encoder
    from .safety.heads import classes, heads, read

    try:
        known, seen = heads().task, read([text], encoder())[0]
    except Exception:  # noqa: BLE001 - the safety agent, which needs it next, turns the same failure into a finding
        return Task.OTHER
    if known is None or not seen:
        return Task.OTHER
    told = classes(known, seen)
    best = max(told, key=lambda name: told[name])
    return Task(best) if told[best] >= SURE_TASK else Task.OTHER
