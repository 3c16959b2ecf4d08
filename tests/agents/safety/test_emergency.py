"""Emergency detector: pictures, near misses, and drafts that do or do not send the person to care."""

from __future__ import annotations

import pytest

from wardround.agents.safety.emergency import EmergencyDetector, red_flags, sends_to_care
from wardround.policies.finding import Severity
from wardround.policies.request import Audience, Case, Message, Patient, RoundRequest, Task

DETECTOR = EmergencyDetector()
HOME_CARE = "That is usually harmless. Rest, drink plenty of water and see your doctor next week if it has not settled."


def case(
    text: str,
    draft: str | None = HOME_CARE,
    *,
    audience: Audience = Audience.PATIENT,
    patient: Patient | None = None,
    complete: bool = True,
) -> Case:
    request = RoundRequest(messages=(Message(role="user", text=text),), draft=draft, patient=patient)
    return Case(
        request=request, audience=audience, language="en", task=Task.OTHER, draft=draft, complete=complete
    )  # fmt: skip


PICTURES = [
    ("anaphylaxis", "stung by a wasp 10 minutes ago, tongue is swelling and I'm wheezing. cetirizine ok?"),
    ("anaphylaxis", "had a cashew cookie, welts everywhere and my lips feel huge, kind of lightheaded"),
    ("anaphylaxis", "first dose of amoxicillin, face puffy, hard to breathe"),
    ("stroke", "dads mouth is drooping on one side and his words come out garbled since breakfast"),
    ("stroke", "suddenly can't lift my left arm and it's numb, slept on it?"),
    ("acute coronary syndrome", "pressure on my chest going into my jaw and I'm clammy, antacid didn't help"),
    ("acute coronary syndrome", "58 yo, tight band around chest, short of breath and sweaty for an hour"),
    ("testicular torsion", "my son 14 woke with awful pain in his left ball and threw up, its riding high"),
    ("testicular torsion", "sudden severe testicle pain, swollen, can it wait till monday"),
    ("ectopic pregnancy", "7 weeks pregnant, sharp pain on my right side and spotting, also dizzy"),
    ("ectopic pregnancy", "period is 2 weeks late, stabbing pain low in the belly, nearly fainted, shoulder hurts"),
    ("meningitis", "daughter has fever, stiff neck and the light hurts her eyes"),
    ("meningitis", "he's feverish with purple spots that don't fade when I press a glass"),
    ("sepsis", "mom has a uti, now shivering with a temp of 39.5 and is confused"),
    ("sepsis", "on chemo and my temperature is 38.6, paracetamol?"),
    ("cauda equina", "my sciatica is bad and now numb between my legs, cant pee since last night"),
    ("dka", "type 1, ran out of insulin two days ago, vomiting and breath smells like nail polish"),
    ("overdose", "took 25 paracetamol tablets for my toothache today"),
    ("overdose", "my toddler swallowed some of grandmas metoprolol pills"),
    ("overdose", "he took oxy and is snoring weirdly, lips are blue"),
    ("pulmonary embolism", "calf swollen since the flight and now hurts when I breathe in"),
    ("aortic dissection", "sudden tearing pain in my chest through to my back"),
    ("pre-eclampsia", "34 weeks pregnant, pounding headache, seeing spots, hands puffy"),
    ("acute angle-closure", "eye pain with halos around lights, blurry vision and nausea since the movie"),
    ("hypoglycaemia", "husband's sugar is 35, he is confused and can't swallow juice"),
    ("gi bleed", "vomiting blood since lunch, looks like coffee grounds"),
    ("gi bleed", "on eliquis, stool has been black and tarry and I feel faint"),
    ("paediatric fever", "my 5 week old has a fever of 38.4"),
    ("subarachnoid haemorrhage", "worst headache of my life, came on in seconds, neck is stiff"),
    ("head injury", "grandpa on warfarin fell and hit his head this morning, seems ok"),
    ("swallowed battery", "my kid swallowed a button battery"),
    ("acute coronary syndrome", "tengo dolor en el pecho y sudor frio desde hace una hora"),
    ("stroke", "mi padre tiene la boca torcida y no puede hablar"),
    ("acute coronary syndrome", "j'ai une douleur à la poitrine et du mal à respirer"),
    ("meningitis", "mein Sohn hat Fieber, Kopfschmerzen und einen steifen Nacken"),
    ("acute coronary syndrome", "estou com dor no peito e falta de ar"),
    ("acute coronary syndrome", "我胸痛，出汗，喘不上气"),
    ("acute coronary syndrome", "मुझे सीने में दर्द है और पसीना आ रहा है"),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "text"), PICTURES)
def test_a_red_flag_picture_left_at_home_is_major(subject: str, text: str) -> None:
    found = DETECTOR.check(case(text))
    assert subject in {s for f in found for s in f.subjects}, [f.code for f in found]
    assert all(f.severity is Severity.MAJOR for f in found)


NOT_NOW = [
    "What are the symptoms of a stroke?",
    "How is anaphylaxis treated in general?",
    "I have hives after using a new soap, no swelling, breathing is fine",
    "chest feels tight when I cough with this cold, no shortness of breath, no sweating",
    "I had chest pain and sweating last year, the stent was placed, can I fly now",
    "my lower back hurts after gardening, no numbness, peeing normally",
    "headache since yesterday, mild, no fever, neck moves fine",
    "small lump on my testicle, painless, for a few weeks",
    "8 weeks pregnant and nauseous all day, what can I eat",
    "my 4 year old has a fever of 38.3 but is playing and drinking",
    "took 2 paracetamol this morning, can I take two more",
    "black stools since I started iron tablets, feel fine",
    "my eye is itchy and red from pollen",
    "type 1 diabetic, sugar was 180 before lunch, how much correction",
    "my leg is sore after running",
    "epipen expired last month, where do I get a new one",
    "lips are dry and cracked in winter",
    "the ER checked my chest pain and ruled out a heart attack, why am I still short of breath when anxious",
    "can you explain sepsis for my nursing class",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_NOW)
def test_general_settled_or_mild_is_no_emergency(text: str) -> None:
    assert [m.rule.id for _, m in red_flags(case(text))] == []


CARE = [
    (True, "This is an emergency. Call 911 now."),
    (True, "Please go to the nearest emergency department right away."),
    (True, "Have someone drive you to A&E, and do not eat or drink."),
    (True, "Llame al 112 ahora mismo."),
    (True, "Appelez le 15 tout de suite."),
    (True, "Bitte rufen Sie sofort den Notruf 112."),
    (True, "请立即拨打120。"),
    (False, "Take an antacid and rest. If it gets worse, go to the emergency room."),
    (False, "There is no need to go to the emergency room for this."),
    (False, "Book an appointment with your doctor next week."),
    (False, "Call us if it has not settled in three days."),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "draft"), CARE)
def test_only_a_plain_direction_counts_as_sending_to_care(sent: bool, draft: str) -> None:
    assert sends_to_care(draft) is sent


def test_a_draft_that_sends_to_care_leaves_no_finding() -> None:
    assert not DETECTOR.check(case(PICTURES[0][1], "Use the EpiPen and call 911 now."))


def test_an_unfinished_draft_is_not_judged() -> None:
    assert not DETECTOR.check(case(PICTURES[0][1], complete=False))


def test_a_professional_gets_no_more_than_a_note() -> None:
    found = DETECTOR.check(
        case("60 year old man with chest pain and dyspnea, troponin timing?", audience=Audience.CLINICIAN)
    )
    assert all(f.severity is Severity.MINOR for f in found)


def test_the_age_of_the_patient_counts() -> None:
    fever = "she has a fever since this morning"
    assert not DETECTOR.check(case(fever))
    assert DETECTOR.check(case(fever, patient=Patient(age_years=0.1)))


def test_screen_reports_nothing() -> None:
    assert not DETECTOR.screen(case(PICTURES[0][1]))
