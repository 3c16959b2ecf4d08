"""FHIR bundles: read as the patient, latest result first, nothing assumed, mistakes told in one line."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from wardround.middleware.wire.fhir import patient_from
from wardround.middleware.wire.fields import parse_fields
from wardround.policies.errors import InputError

TODAY = date(2026, 11, 1)
SUBJECT = {"reference": "Patient/p"}
LOINC = "http://loinc.org"


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{i}", "resource": r} for i, r in enumerate(resources)],
    }


def concept(text: str | None = None, *, code: str = "", display: str = "", system: str = LOINC) -> dict[str, Any]:
    coding = [{"system": system, "code": code, **({"display": display} if display else {})}] if code else []
    return {k: v for k, v in (("text", text), ("coding", coding)) if v}


def request(drug: str, status: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "status": status, "intent": "order", "subject": SUBJECT,
        "medicationCodeableConcept": concept(drug), **more,
    }  # fmt: skip


def observation(code: str, value: float, unit: str, when: str = "2026-10-01", status: str = "final") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": status, "code": concept(code=code, display="x"), "subject": SUBJECT,
        "effectiveDateTime": when, "valueQuantity": {"value": value, "code": unit, "unit": unit},
    }  # fmt: skip


def test_a_bundle_becomes_the_patient() -> None:
    patient = patient_from(
        bundle(
            {"resourceType": "Patient", "id": "p", "birthDate": "1950-11-01", "gender": "female"},
            request("Warfarin 5 mg tablet", dosageInstruction=[{"text": "once daily"}]),
            {
                "resourceType": "MedicationStatement", "status": "active", "subject": SUBJECT,
                "medicationCodeableConcept": concept(code="36567", display="simvastatin", system="rxnorm"),
                "dosage": [{
                    "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                    "doseAndRate": [{"doseQuantity": {"value": 20, "unit": "mg"}}],
                }],
            },
            {
                "resourceType": "AllergyIntolerance", "patient": SUBJECT, "code": concept("Penicillin"),
                "reaction": [{"manifestation": [concept("anaphylaxis")]}],
            },
            {"resourceType": "Condition", "subject": SUBJECT, "code": concept("Atrial fibrillation")},
            observation("62238-1", 90, "mL/min/{1.73_m2}", "2024-01-01"),
            observation("62238-1", 34, "mL/min/{1.73_m2}", "2026-10-01"),
            observation("29463-7", 154, "[lb_av]"),
            observation("2823-3", 5.6, "mmol/L"),
            observation("2160-0", 2, "mg/dL"),
            {"resourceType": "Encounter", "anything": "is passed over"},
        ),
        today=TODAY,
    )  # fmt: skip
    assert patient.age_years == pytest.approx(76, abs=0.01)
    assert patient.sex == "female"
    assert patient.medications == ("simvastatin 20 mg 2 times a day", "Warfarin 5 mg tablet once daily")
    assert patient.allergies == ("Penicillin (anaphylaxis)",)
    assert patient.conditions == ("Atrial fibrillation",)
    assert patient.egfr_ml_min == 34
    assert patient.weight_kg == pytest.approx(69.85, abs=0.01)
    labs = {lab.name.value: lab.value for lab in patient.labs or ()}
    assert labs == {"potassium_mmol_l": 5.6, "creatinine_umol_l": pytest.approx(176.84)}


def test_what_a_bundle_does_not_hold_stays_unknown() -> None:
    patient = patient_from(bundle({"resourceType": "Patient", "gender": "unknown"}))
    assert patient.model_dump(exclude_none=True) == {}


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "draft"])
def test_an_order_that_was_never_taken_is_left_out(status: str) -> None:
    assert patient_from(bundle(request("Warfarin", status))).medications == ()


def test_a_proposal_or_a_prohibition_is_not_taken() -> None:
    proposal = {**request("Warfarin"), "intent": "proposal"}
    assert patient_from(bundle(proposal, request("Aspirin", doNotPerform=True))).medications == ()


@pytest.mark.parametrize(("status", "word"), [("stopped", "stopped"), ("completed", "stopped"), ("on-hold", "held")])
def test_an_ended_order_is_named_as_ended(status: str, word: str) -> None:
    assert patient_from(bundle(request("Fluoxetine", status))).medications == (f"Fluoxetine ({word})",)


def test_a_drug_by_reference_is_found_in_the_bundle_and_in_the_resource() -> None:
    by_entry = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": SUBJECT,
        "medicationReference": {"reference": "Medication/m"},
    }  # fmt: skip
    contained = {
        **by_entry,
        "contained": [{"resourceType": "Medication", "id": "c", "code": concept("Digoxin")}],
        "medicationReference": {"reference": "#c"},
    }
    medication = {"resourceType": "Medication", "id": "m", "code": concept("Amiodarone")}
    assert patient_from(bundle(by_entry, contained, medication)).medications == ("Amiodarone", "Digoxin")


def test_refuted_allergies_and_resolved_conditions_are_left_out_and_no_known_allergy_is_none() -> None:
    refuted = {
        "resourceType": "AllergyIntolerance", "patient": SUBJECT, "code": concept("Penicillin"),
        "verificationStatus": concept(code="refuted", system="x"),
    }  # fmt: skip
    none_known = {
        "resourceType": "AllergyIntolerance", "patient": SUBJECT,
        "code": concept(code="716186003", display="No known allergy", system="http://snomed.info/sct"),
    }  # fmt: skip
    resolved = {
        "resourceType": "Condition", "subject": SUBJECT, "code": concept("Asthma"),
        "clinicalStatus": concept(code="resolved", system="x"),
    }  # fmt: skip
    patient = patient_from(bundle(refuted, none_known, resolved))
    assert patient.allergies == () and patient.conditions == ()


@pytest.mark.parametrize(("code", "pregnant"), [("77386006", True), ("60001007", False), ("261665006", None)])
def test_pregnancy_status(code: str, pregnant: bool | None) -> None:
    status = {
        "resourceType": "Observation", "status": "final", "subject": SUBJECT,
        "code": concept(code="82810-3", display="Pregnancy status"),
        "valueCodeableConcept": concept(code=code, display="x", system="http://snomed.info/sct"),
    }  # fmt: skip
    assert patient_from(bundle(status)).pregnant is pregnant


def test_blood_pressure_components_and_unknown_units() -> None:
    pressure = {
        "resourceType": "Observation", "status": "final", "subject": SUBJECT,
        "code": concept(code="85354-9", display="Blood pressure"),
        "component": [{"code": concept(code="8480-6", display="x"), "valueQuantity": {"value": 92, "code": "mm[Hg]"}}],
    }  # fmt: skip
    patient = patient_from(bundle(pressure, observation("2823-3", 200, "parsec"), observation("29463-7", 9, "stone")))
    assert [(lab.name.value, lab.value) for lab in patient.labs or ()] == [("systolic_mmhg", 92)]
    assert patient.weight_kg is None


BAD: list[tuple[dict[str, Any], str]] = [
    ({"resourceType": "Patient"}, "expected a FHIR Bundle"),
    ({"resourceType": "Bundle", "entry": "x"}, "entry: expected a list"),
    ({"resourceType": "Bundle", "entry": [{}]}, "entry[0].resource: expected an object"),
    (bundle({"resourceType": "Condition"}), "entry[0].Condition"),
    (bundle({"resourceType": "Patient", "secretName": "Jane Doe"}), "entry[0].Patient.secretName"),
    (bundle({"resourceType": "Patient"}, {"resourceType": "Patient"}), "more than one Patient"),
]


@pytest.mark.parametrize(("raw", "words"), BAD)
def test_a_bad_bundle_is_refused_in_one_line_without_its_values(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_fields({"patient": raw})
    message = str(caught.value)
    assert words in message and message.startswith("wardround.patient") and "\n" not in message
    assert "Jane" not in message


def test_a_bundle_serves_wherever_the_patient_does() -> None:
    fields = parse_fields({"patient": bundle(request("Lithium"))})
    assert fields.patient is not None and fields.patient.medications == ("Lithium",)


@pytest.mark.parametrize(("value", "shown"), [(20, "20"), (1000, "1000"), (0.5, "0.5"), (12.50, "12.5")])
def test_a_dose_keeps_its_size(value: float, shown: str) -> None:
    dosage = [{"doseAndRate": [{"doseQuantity": {"value": value, "unit": "mg"}}]}]
    assert patient_from(bundle(request("X", dosageInstruction=dosage))).medications == (f"X {shown} mg",)
