"""A FHIR R4 Bundle read as what is known of the patient. The library is imported when the first bundle comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any, cast

from pydantic import ValidationError

from wardround.policies.errors import InputError
from wardround.policies.request import Patient

from .loinc import NUMBERS, WITHOUT_UNIT, Measure

_MODELS = {
    "Patient": "patient", "MedicationStatement": "medicationstatement", "MedicationRequest": "medicationrequest",
    "Medication": "medication", "AllergyIntolerance": "allergyintolerance", "Condition": "condition",
    "Observation": "observation",
}  # fmt: skip
"""Resources that are read; others in the bundle are passed over."""
_SEX = {"female": "female", "male": "male", "other": "other"}
_NO_ALLERGY = frozenset({"716186003", "409137002"})
"""SNOMED CT: no known allergy, no known drug allergy."""
_PREGNANT = {"77386006": True, "60001007": False}
"""SNOMED CT: pregnant, not pregnant."""
_PREGNANCY_STATUS, _BREASTFEEDING_STATUS = "82810-3", "63895-7"
"""LOINC."""


def is_fhir(raw: object) -> bool:
    """Whether an object claims to be a FHIR resource."""
    return isinstance(raw, Mapping) and "resourceType" in raw


def patient_from(raw: Mapping[str, Any], *, today: date | None = None) -> Patient:
    """The patient of a Bundle with Patient, MedicationStatement, MedicationRequest, Medication, AllergyIntolerance,
    Condition and Observation resources; what the bundle does not hold stays unknown.

    Raises `InputError`, one line naming the entry, for a resource that is not valid R4; never quotes a value.
    """
    if raw.get("resourceType") != "Bundle":
        raise InputError("patient: expected a FHIR Bundle, or the plain patient object without resourceType")
    entries: object = raw.get("entry") or []
    if not isinstance(entries, list):
        raise InputError("patient.entry: expected a list")
    items = cast("list[Any]", entries)  # type: ignore[redundant-cast]  # pyright does not narrow to Any
    found: dict[str, list[Any]] = {name: [] for name in _MODELS}
    references: dict[str, Any] = {}
    for position, entry in enumerate(items):
        resource = _resource(entry, position)
        kind = str(resource.get("resourceType"))
        if kind in _MODELS:
            model = _parsed(resource, f"patient.entry[{position}].{kind}", kind)
            found[kind].append(model)
            references[str(entry.get("fullUrl"))] = model
            references[f"{kind}/{model.id}"] = model
    if len(found["Patient"]) > 1:
        raise InputError("patient: the bundle holds more than one Patient: send one patient's data")
    return _patient(found, references, today or datetime.now(UTC).date())


def _resource(entry: Any, position: int) -> Mapping[str, Any]:
    """The resource of an entry. Raises `InputError` where there is none."""
    if isinstance(entry, dict):
        resource: object = cast("dict[str, Any]", entry).get("resource")
        if isinstance(resource, dict):
            return cast("dict[str, Any]", resource)
    raise InputError(f"patient.entry[{position}].resource: expected an object")


def _parsed(resource: Mapping[str, Any], where: str, kind: str) -> Any:
    model: Any = getattr(import_module(f"fhir.resources.R4B.{_MODELS[kind]}"), kind)
    try:
        return model.model_validate(resource)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join([where, *(str(p) for p in first["loc"])])
        reason = " ".join(first["msg"].split())
        raise InputError(f"{path}: {reason[:1].lower()}{reason[1:]}") from error


def _patient(found: Mapping[str, list[Any]], references: Mapping[str, Any], today: date) -> Patient:
    known: dict[str, Any] = {}
    for person in found["Patient"]:
        known["age_years"] = _age(person.birthDate, today)
        known["sex"] = _SEX.get(person.gender or "")
    medications = [
        *_texts(found["MedicationStatement"], lambda m: _statement(m, references)),
        *_texts(found["MedicationRequest"], lambda m: _request(m, references)),
    ]
    if found["MedicationStatement"] or found["MedicationRequest"]:
        known["medications"] = tuple(dict.fromkeys(medications))
    if found["AllergyIntolerance"]:
        known["allergies"] = _texts(found["AllergyIntolerance"], _allergy)
    if found["Condition"]:
        known["conditions"] = _texts(found["Condition"], _condition)
    known.update(_observed(found["Observation"]))
    return Patient.model_validate(known)


def _texts(resources: Iterable[Any], read: Callable[[Any], str | None]) -> tuple[str, ...]:
    return tuple(text for text in map(read, resources) if text)


def _age(born: Any, today: date) -> float | None:
    """FHIR dates may be a year or a month alone; the library then gives the first day."""
    if not isinstance(born, date):
        return None
    days = (today - (born.date() if isinstance(born, datetime) else born)).days
    return round(days / 365.25, 2) if days >= 0 else None


def _concept(concept: Any) -> str | None:
    """The text of a CodeableConcept, else the first display."""
    if concept is None:
        return None
    shown = next((c.display for c in concept.coding or () if c.display), None)
    return concept.text or shown


def _codes(concept: Any) -> set[str]:
    return {c.code for c in (concept.coding if concept is not None else None) or () if c.code}


def _drug(resource: Any, references: Mapping[str, Any]) -> str | None:
    named = _concept(resource.medicationCodeableConcept)
    reference = resource.medicationReference
    if named or reference is None:
        return named
    target = reference.reference or ""
    contained = {f"#{c.id}": c for c in resource.contained or ()}
    medication = contained.get(target) or references.get(target)
    return (_concept(medication.code) if medication is not None else None) or reference.display


def _dosage(instructions: Any) -> str:
    """`5 mg, one tablet each morning`: the dose and the words of the first instruction."""
    for instruction in instructions or ():
        quantity = next((d.doseQuantity for d in instruction.doseAndRate or () if d.doseQuantity), None)
        dose = f"{Decimal(quantity.value).normalize():f} {quantity.unit or quantity.code or ''}" if quantity else ""
        route = _concept(instruction.route) or ""
        often = _concept(instruction.timing.code) if instruction.timing else None
        parts = (dose.strip(), route, instruction.text or often or _frequency(instruction.timing))
        return " ".join(p for p in parts if p)
    return ""


def _frequency(timing: Any) -> str:
    repeat = timing.repeat if timing is not None else None
    if repeat is None or not repeat.frequency or repeat.periodUnit not in {"d", "wk"}:
        return ""
    unit = {"d": "day", "wk": "week"}[repeat.periodUnit]
    period = float(repeat.period or 1)
    return f"{repeat.frequency} times a {unit}" if period == 1 else f"{repeat.frequency} times every {period:g} {unit}s"


def _statement(resource: Any, references: Mapping[str, Any]) -> str | None:
    """Taken now; a stopped or paused drug is named as such, for washout times."""
    ends = {"completed": "stopped", "stopped": "stopped", "on-hold": "held"}
    if resource.status in {"entered-in-error", "not-taken"}:
        return None
    return _line(resource, references, resource.dosage, ends.get(resource.status))


def _request(resource: Any, references: Mapping[str, Any]) -> str | None:
    """Prescribed; proposals, drafts and cancelled orders are not taken."""
    ends = {"completed": "stopped", "stopped": "stopped", "on-hold": "held"}
    if resource.status in {"entered-in-error", "cancelled", "draft"} or resource.doNotPerform:
        return None
    if resource.intent in {"proposal", "option"}:
        return None
    return _line(resource, references, resource.dosageInstruction, ends.get(resource.status))


def _line(resource: Any, references: Mapping[str, Any], dosage: Any, ended: str | None) -> str | None:
    name = _drug(resource, references)
    if name is None:
        return None
    return f"{name} ({ended})" if ended else " ".join(p for p in (name, _dosage(dosage)) if p)


def _allergy(resource: Any) -> str | None:
    clinical, verified = _codes(resource.clinicalStatus), _codes(resource.verificationStatus)
    if clinical & {"inactive", "resolved"} or verified & {"refuted", "entered-in-error"}:
        return None
    name = _concept(resource.code)
    if name is None or _codes(resource.code) & _NO_ALLERGY:
        return None
    signs = [text for r in resource.reaction or () for m in r.manifestation or () if (text := _concept(m))]
    words = [*signs, *([resource.type] if resource.type == "intolerance" else [])]
    return f"{name} ({', '.join(words)})" if words else name


def _condition(resource: Any) -> str | None:
    clinical, verified = _codes(resource.clinicalStatus), _codes(resource.verificationStatus)
    if clinical & {"inactive", "resolved", "remission"} or verified & {"refuted", "entered-in-error"}:
        return None
    return _concept(resource.code)


def _observed(resources: list[Any]) -> dict[str, Any]:
    """Fields of the patient from observations; the latest result of a kind counts."""
    known: dict[str, Any] = {}
    labs: dict[str, float] = {}
    for resource in sorted(resources, key=_when):
        if resource.status in {"entered-in-error", "cancelled", "registered"}:
            continue
        codes = _codes(resource.code)
        answer = _codes(resource.valueCodeableConcept)
        if _PREGNANCY_STATUS in codes:
            known["pregnant"] = next((_PREGNANT[c] for c in answer if c in _PREGNANT), None)
        if _BREASTFEEDING_STATUS in codes:
            known["breastfeeding"] = _yes(resource)
        if "child-pugh" in (_concept(resource.code) or "").lower():
            known["child_pugh"] = _child_pugh(resource)
        for part in (resource, *(resource.component or ())):
            _measured(part, known, labs)
    if labs:
        known["labs"] = tuple({"name": name, "value": value} for name, value in labs.items())
    return known


def _when(resource: Any) -> str:
    return str(resource.effectiveDateTime or resource.effectiveInstant or resource.issued or "")


def _yes(resource: Any) -> bool | None:
    if resource.valueBoolean is not None:
        return bool(resource.valueBoolean)
    word = (_concept(resource.valueCodeableConcept) or "").lower()
    return {"yes": True, "no": False}.get(word)


def _child_pugh(resource: Any) -> str | None:
    text = (resource.valueString or _concept(resource.valueCodeableConcept) or "").strip().upper()
    return text[-1] if text and text[-1] in "ABC" else None


def _measured(part: Any, known: dict[str, Any], labs: dict[str, float]) -> None:
    quantity = part.valueQuantity
    measure: Measure | None = next((NUMBERS[c] for c in _codes(part.code) if c in NUMBERS), None)
    if measure is None or quantity is None or quantity.value is None:
        return
    factor = measure.factors.get(quantity.code or quantity.unit or WITHOUT_UNIT)
    if factor is None:
        return
    value = round(float(quantity.value) * factor, 3)
    if measure.field in {"egfr_ml_min", "weight_kg"}:
        known[measure.field] = value
    else:
        labs[measure.field] = value
