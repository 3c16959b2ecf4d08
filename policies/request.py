"""The request as the round sees it: who asks what about whom, with which evidence. No wire format is known here."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from .finding import Frozen


class Audience(StrEnum):
    """Who will read the answer."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    PHARMACIST = "pharmacist"


class Task(StrEnum):
    """What the request wants done, as clinical work."""

    DECISION_SUPPORT = "decision_support"
    RECORD_SUMMARY = "record_summary"
    LETTER = "letter"
    PATIENT_EDUCATION = "patient_education"
    DRUG_QUESTION = "drug_question"
    MENTAL_HEALTH = "mental_health"
    OTHER = "other"


class Sex(StrEnum):
    """Sex as recorded."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class ChildPugh(StrEnum):
    """Class of liver disease, mild to severe."""

    A = "A"
    B = "B"
    C = "C"


class LabName(StrEnum):
    """Results that the checks read; the unit is part of the name."""

    POTASSIUM_MMOL_L = "potassium_mmol_l"
    SODIUM_MMOL_L = "sodium_mmol_l"
    MAGNESIUM_MMOL_L = "magnesium_mmol_l"
    CREATININE_UMOL_L = "creatinine_umol_l"
    QTC_MS = "qtc_ms"
    INR = "inr"
    HEART_RATE_BPM = "heart_rate_bpm"
    SYSTOLIC_MMHG = "systolic_mmhg"
    PLATELETS_10E9_L = "platelets_10e9_l"
    NEUTROPHILS_10E9_L = "neutrophils_10e9_l"
    ALT_U_L = "alt_u_l"
    GLUCOSE_MMOL_L = "glucose_mmol_l"
    LITHIUM_MMOL_L = "lithium_mmol_l"
    DIGOXIN_NG_ML = "digoxin_ng_ml"


class Lab(Frozen):
    """One result."""

    name: Annotated[LabName, Field(strict=False)]
    """What was measured, and its unit."""
    value: Annotated[float, Field(ge=0, strict=False)]
    """The value in that unit."""


class Patient(Frozen):
    """What is known of the patient. None means unknown, never normal; an empty list means none are recorded."""

    age_years: Annotated[float, Field(ge=0, le=130, strict=False)] | None = None
    """Age in years; fractions for infants."""
    sex: Annotated[Sex, Field(strict=False)] | None = None
    """Sex as recorded."""
    pregnant: bool | None = None
    """Pregnant now."""
    conditions: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Diagnoses and relevant history, free text."""
    medications: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Current medication, free text with dose where known."""
    allergies: Annotated[tuple[str, ...], Field(strict=False)] | None = None
    """Allergies with the reaction where known, free text."""
    egfr_ml_min: Annotated[float, Field(ge=0, le=300, strict=False)] | None = None
    """Estimated glomerular filtration rate or creatinine clearance, mL/min."""
    weight_kg: Annotated[float, Field(gt=0, le=700, strict=False)] | None = None
    """Body weight, kg."""
    breastfeeding: bool | None = None
    """Breastfeeding now."""
    child_pugh: Annotated[ChildPugh, Field(strict=False)] | None = None
    """Child-Pugh class of liver disease."""
    labs: Annotated[tuple[Lab, ...], Field(strict=False)] | None = None
    """Latest results that bear on drugs."""


class Evidence(Frozen):
    """A passage sent with the request or retrieved: untrusted text."""

    id: Annotated[str, Field(min_length=1)]
    """The client's id of the passage; citations and spans name it."""
    text: str
    """The passage."""


class Message(Frozen):
    """One turn, as text."""

    role: str
    """`system`, `developer`, `user`, `assistant` or `tool`."""
    text: str
    """All text parts, joined by a line feed."""
    media: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Kinds of parts that are not text: `image_url`, `input_audio`, `file`."""


class ToolCall(Frozen):
    """A call that the draft wants the client to make."""

    id: str
    """The call's id; its channel is `tool_call[ID]`."""
    name: str
    """Name of the tool."""
    arguments: str
    """Arguments as the model wrote them, usually JSON."""


class RoundRequest(Frozen):
    """One request, parsed. A None field means unknown."""

    messages: Annotated[tuple[Message, ...], Field(min_length=1, strict=False)]
    """The conversation, oldest first."""
    draft: str | None = None
    """A draft to be judged as it is; with one, nothing is drafted or redrafted."""
    audience: Annotated[Audience, Field(strict=False)] | None = None
    """Who will read the answer, as the client says."""
    language: str | None = None
    """BCP 47 language of the answer, as the client says."""
    patient: Patient | None = None
    """What is known of the patient."""
    evidence: Annotated[tuple[Evidence, ...], Field(strict=False)] | None = None
    """Passages sent along."""

    @property
    def text(self) -> str:
        """The last user message: the text of channel `request`; empty where no user spoke."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")


class Case(Frozen):
    """What a specialist sees: the request, what intake made of it, and the draft so far."""

    request: RoundRequest
    """The request."""
    audience: Annotated[Audience, Field(strict=False)] | None
    """The client's word, else what intake inferred, else None."""
    language: str
    """ISO 639-1 code, `und` where it cannot be told."""
    task: Annotated[Task, Field(strict=False)]
    """The clinical task."""
    draft: str | None = None
    """Text of the draft; None while only the request is screened."""
    draft_channel: str = "draft"
    """Name of the draft's channel in spans: `draft`, or `draft[i]` for a further choice."""
    tool_calls: Annotated[tuple[ToolCall, ...], Field(strict=False)] = ()
    """Tool calls of the draft."""
    complete: bool = True
    """False while a stream is still being written: more text may follow."""

    @property
    def patient(self) -> Patient:
        """The patient, all unknown where the request names none."""
        return self.request.patient or _UNKNOWN

    def user_texts(self) -> tuple[tuple[str, str], ...]:
        """(channel, text) of every user message, oldest first; the last one is `request`."""
        messages = self.request.messages
        last = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
        return tuple(
            ("request" if i == last else f"messages[{i}]", m.text) for i, m in enumerate(messages) if m.role == "user"
        )

    def tool_results(self) -> tuple[tuple[str, str], ...]:
        """(channel, text) of every tool result in the conversation: untrusted text, like evidence."""
        return tuple((f"messages[{i}]", m.text) for i, m in enumerate(self.request.messages) if m.role == "tool")

    def evidence_texts(self) -> tuple[tuple[str, str], ...]:
        """(channel, text) of every passage sent along."""
        return tuple((f"evidence[{e.id}]", e.text) for e in self.request.evidence or ())


_UNKNOWN = Patient()
