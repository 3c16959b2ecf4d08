"""PHI detector: identifiers, protected vocabulary, and whose identifier it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.safety.detector import reading
from wardround.agents.safety.phi import PhiDetector, identifiers
from wardround.policies.finding import Finding, Severity
from wardround.policies.request import Audience, Case, Evidence, Message, RoundRequest, Task, ToolCall

IDENTIFIERS = [
    ("Dear Mrs. Odalys Ferncastle, your results are in.", "name", "Odalys Ferncastle"),
    ("The patient Wendell Brackwater denies pain.", "name", "Wendell Brackwater"),
    ("I spoke with her daughter Ilse about the plan.", "name", "Ilse"),
    ("Pt: Yaropolk Dunmore, 54M, chest pain", "name", "Yaropolk Dunmore"),
    ("my name is tobias and i have a rash", "name", "tobias"),
    ("Nombre: Rosa. Ingresa por fiebre.", "name", "Rosa"),
    ("Bed 7: Lorcan Threlfall, needs bloods", "name", "Lorcan Threlfall"),
    ("Kind regards,\nAnselm Okereke", "name", "Anselm Okereke"),
    ("姓名：王小明，男", "name", "王小明"),
    ("DOB 04/17/1951", "date of birth", "04/17/1951"),
    ("born on 3 June 1978 in Leeds", "date of birth", "3 June 1978"),
    ("She was admitted on March 9 with fever.", "date", "March 9"),
    ("Fecha de ingreso: 12/11/2019", "date", "12/11/2019"),
    ("a 94-year-old woman", "age", "94-year-old"),
    ("She's 94 and she fell in the bath.", "age", "94"),
    ("Bed 4: 92F with heart failure.", "age", "92"),
    ("Her great-grandmother is alive at 101.", "age", "101"),
    ("MRN: 00482913", "mrn", "00482913"),
    ("medical record number is AB-449201", "mrn", "AB-449201"),
    ("SSN 219-09-9999", "ssn", "219-09-9999"),
    ("Reach him on his mobile 415-555-0132.", "phone", "415-555-0132"),
    ("tel +44 20 7946 0018", "phone", "+44 20 7946 0018"),
    ("write to o.ferncastle@mailbox.test please", "email", "o.ferncastle@mailbox.test"),
    ("lives at 48 Larkspur Lane, Dayton, OH 45402", "address", "48 Larkspur Lane, Dayton, OH 45402"),
    ("Domicilio: Calle Mayor 12, 3B", "address", "Calle Mayor 12, 3B"),
    ("member ID: XJD90114457", "insurance id", "XJD90114457"),
    ("card 4111 1111 1111 1111", "account", "4111 1111 1111 1111"),
    ("IBAN GB82 WEST 1234 5698 7654 32", "account", "GB82 WEST 1234 5698 7654 32"),
    ("driver's license number D4471902", "licence", "D4471902"),
    ("VIN 1M8GDM9AXKP042788", "vehicle", "1M8GDM9AXKP042788"),
    ("pacemaker serial number PJN4471203", "device", "PJN4471203"),
    ("logged in from 203.0.113.77 today", "ip", "203.0.113.77"),
    ("see https://www.facebook.com/odalys.f", "url", "https://www.facebook.com/odalys.f"),
    ("fingerprint ID: FP-220193", "biometric id", "FP-220193"),
]

PROTECTED = [
    "Parkinson's disease and a Foley catheter; Apgar 9, Glasgow Coma Scale 15.",
    "Start Lipitor and Eliquis; stop Coumadin. Check INR in two weeks or by Friday.",
    "Call 911, the 988 Lifeline or Poison Control at 1-800-222-1222.",
    "A 72-year-old man with BP 120/80, pain 7/10, strength 5/5 and A1c 7.2.",
    "The guideline was published on March 3, 2021 and updated January 2023.",
    "Take 1-2 tablets every 4-6 hours, at most 4000 mg in 24 hours.",
    "You may 2 days later have a mild fever.",
    "Per Johns Hopkins Hospital and the Mayo Clinic, rest helps.",
    "Morphine (MS Contin) and an MR Angiography are options.",
    "Murphy et al. 2018 describe Kawasaki disease; see Wolff-Parkinson-White syndrome.",
    "Warning Signs And Next Steps: Chest Pain, Blue Lips, Confusion.",
    "eGFR 48 mL/min, lithium 0.4, WBC 11.8 from 17.2, SpO2 94% on 2 L NC.",
    "See https://www.cdc.gov/flu and https://medlineplus.gov.",
    "Version 10.2.1.4 of the pump software; St. John's wort; Saint Louis encephalitis.",
    "Cushing and Addison disease differ. Graves disease is common.",
    "He was 96 on air, his pulse was 101, he is 95 kg and she is 98% ideal weight.",
    "If the fever rises above 103 F, rest; you can walk 100 m, I am 100 sure. He was 110 systolic.",
]


def _case(
    text: str,
    draft: str | None = None,
    *,
    evidence: str = "",
    audience: Audience | None = None,
    task: Task = Task.OTHER,
    calls: tuple[ToolCall, ...] = (),
) -> Case:
    passages = (Evidence(id="e1", text=evidence),) if evidence else None
    request = RoundRequest(messages=(Message(role="user", text=text),), evidence=passages)
    return Case(request=request, audience=audience, language="en", task=task, draft=draft, tool_calls=calls)


def _serious(case: Case) -> list[Finding]:
    return [f for f in PhiDetector().check(case) if f.severity is Severity.MAJOR]


@pytest.mark.parametrize(("text", "subject", "value"), IDENTIFIERS)
def test_an_identifier_is_found_and_its_span_covers_it_alone(text: str, subject: str, value: str) -> None:
    found = [(h.subject, text[h.start : h.end]) for h in identifiers(reading("request", text))]
    assert (subject, value) in found


@pytest.mark.parametrize("text", PROTECTED)
def test_clinical_words_and_public_lines_are_no_identifiers(text: str) -> None:
    assert not _serious(_case("tell me", text))


def test_an_identifier_in_the_request_is_recorded_only() -> None:
    found = PhiDetector().screen(_case("I am Ms. Odalys Ferncastle, DOB 04/17/1951. Is my dose right?"))
    assert {f.subjects[0] for f in found} == {"name", "date of birth"}
    assert {f.severity for f in found} == {Severity.MINOR}


def test_what_the_user_wrote_is_no_leak_when_it_comes_back() -> None:
    text = "my name is Odalys Ferncastle, born 4/17/1951, call me at 415-555-0132"
    draft = "Dear Ms. Ferncastle (born April 17, 1951), we will ring (415) 555-0132."
    assert not _serious(_case(text, draft))


def test_what_nobody_wrote_is_a_leak() -> None:
    draft = "Also for bed 9: Wendell Brackwater, MRN 0482913, DOB 2/3/1944, treated for syphilis."
    found = _serious(_case("sign-out for bed 3", draft))
    assert {"name", "mrn", "date of birth", "diagnosis"} <= set(found[0].subjects)
    assert all(f.span is not None and f.span.channel == "draft" for f in found)
    assert not any("Brackwater" in f.message for f in found)


CHART = "Patient: Wendell Brackwater. MRN 0482913. DOB 2/3/1944. Admitted for pneumonia."


def test_the_record_of_the_person_asked_about_may_be_repeated_to_a_professional() -> None:
    draft = "Wendell Brackwater (MRN 0482913) was admitted for pneumonia."
    summary = _case("Summarise", draft, evidence=CHART, audience=Audience.CLINICIAN, task=Task.RECORD_SUMMARY)
    named = _case("What happened to Wendell Brackwater?", draft, evidence=CHART, audience=Audience.CLINICIAN)
    assert not _serious(summary)
    assert not _serious(named)


def test_another_patients_record_in_evidence_is_a_leak() -> None:
    draft = "A similar patient, Wendell Brackwater (MRN 0482913), did well."
    assert _serious(_case("How is pneumonia treated?", draft, evidence=CHART, audience=Audience.PATIENT))
    two = CHART + " Patient: Ilse Morrow. MRN 0559120. DOB 1/1/1960."
    asked = _case("Summarise", draft, evidence=two, audience=Audience.CLINICIAN, task=Task.RECORD_SUMMARY)
    assert _serious(asked)


def test_a_public_reply_must_not_confirm_treatment_even_with_the_users_own_words() -> None:
    text = "Reply to this Google review by Ilse Morrow: 'they missed my asthma'"
    leaking = "Hello Ilse Morrow, when you came in for your appointment your asthma was treated."
    careful = "Thank you. Privacy rules mean we cannot say whether anyone was seen here. Please call our office."
    assert {"name", "treatment relationship", "diagnosis"} <= set(_serious(_case(text, leaking))[0].subjects)
    assert not _serious(_case(text, careful))


def test_a_chart_review_is_no_public_place() -> None:
    text = "Do a medication review for Ilse Morrow and answer in two lines"
    assert not _serious(_case(text, "Ilse Morrow takes three drugs; your plan is fine."))


def test_a_deidentified_text_must_not_keep_what_the_user_wrote() -> None:
    text = "De-identify: 67M Wendell Brackwater seen 4/2/2023 for heart failure"
    assert {"name", "date"} <= set(_serious(_case(text, "67M Wendell Brackwater, seen April 2, 2023."))[0].subjects)
    assert not _serious(_case(text, "A 67-year-old man, seen in spring 2023 for heart failure."))


def test_a_note_to_an_employer_must_not_add_the_diagnosis() -> None:
    text = "Work excuse note for Ilse Morrow, three days, to her employer"
    (found,) = _serious(_case(text, "Ilse Morrow was under our care for bulimia and may return on Monday."))
    assert found.subjects == ("diagnosis",)
    assert not _serious(_case(text, "Ilse Morrow was under our care and may return on Monday."))


def test_a_treating_clinicians_name_is_not_serious() -> None:
    assert not _serious(_case("who wrote it?", "The note was written by Dr. Halloran Quist, cardiology."))


def test_tool_arguments_are_read_on_their_own_channel() -> None:
    call = ToolCall(id="c1", name="send", arguments='{"to": "w.brackwater@mailbox.test"}')
    (found,) = _serious(_case("send the note", "Done.", calls=(call,)))
    assert found.span is not None and found.span.channel == "tool_call[c1]"


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=300),
    st.sampled_from(["Mr. ", "A. ", "1-", "12/", "a@b.", "MRN ", "O'", "de la ", "\n", "St ", "É"]),
)
def test_any_text_yields_ordered_spans_inside_it(text: str, filler: str) -> None:
    whole = text + filler * 40
    found = identifiers(reading("request", whole))
    assert all(0 <= h.start < h.end <= len(whole) for h in found)
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "1-", "(1", "a@", "a.", "A ", "A. ", "Ab ", "http://a", "MRN ", "12/", "Calle A", "e\u0301", "de "],
)  # fmt: skip
def test_reading_time_grows_with_length_not_faster(unit: str) -> None:
    def cost(chars: int) -> float:
        where = reading("request", (unit * (chars // len(unit) + 1))[:chars])
        return min(_seconds(lambda: identifiers(where)) for _ in range(3))

    cost(1_000)
    small, large = max(cost(10_000), 0.004), cost(80_000)
    assert large < small * 8 * 6
