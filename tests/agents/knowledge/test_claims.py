"""A draft as claims: what is cut apart, what stays whole, kinds, contexts, citations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.knowledge.claims import ClaimKind, cited_labels, classify, find_claims, sentence_spans

APART = [
    "Both ramipril and losartan lower blood pressure / and protect the kidneys.",
    "Ramipril lowers blood pressure / and prevents stroke.",
    "Ramipril lowers blood pressure; / it can raise potassium.",
    "Metformin is cheap and widely available, / and it does not cause weight gain.",
    "Ibuprofen relieves pain / but can irritate the stomach lining.",
    "Warfarin needs regular blood tests, / whereas apixaban does not need routine monitoring.",
    "Cetirizine can make some people sleepy, / so do not drive until you know how it affects you.",
    "Ramipril raises potassium, / which can cause dangerous heart rhythms.",
    "Amoxicillin is absorbed from the gut / and excreted by the kidneys.",
    "Statins lower cholesterol / and reduce the risk of heart attacks.",
    "Aspirin thins the blood / and can cause stomach bleeding.",
    "Metformin is safe for the kidneys themselves: / it does not damage healthy kidney tissue.",
    "Codeine can cause constipation / and slow your breathing.",
    "Spironolactone lowers blood pressure, / reduces swelling, / and raises potassium.",
    "Digoxin slows the heart rate, / but it does not lower blood pressure.",
    "Amlodipine relaxes blood vessels / and it often causes ankle swelling.",
    "The trial reduced mortality from heart failure / and improved quality of life scores.",
    "Dapagliflozin lowers blood glucose, / and it protects the kidneys.",
    "Prednisolone raises blood sugar, / while metformin lowers it.",
    "Take ibuprofen with food / and avoid drinking much alcohol.",
    "She was admitted with pneumonia / and was treated with ceftriaxone.",
    "Doxycycline may irritate the oesophagus, / so swallow it with plenty of water.",
    "Lithium has a narrow therapeutic range; / levels should be checked regularly.",
    "Grapefruit juice blocks an enzyme in the gut wall, / which raises simvastatin levels.",
    "Your potassium is 5.9 mmol/L, / and your creatinine has risen to 180 micromol/L.",
    "Paracetamol is gentle on the stomach, / but an overdose can destroy the liver.",
    "Levothyroxine should be taken on an empty stomach, / and calcium tablets should be kept four hours apart.",
    "The patient denies chest pain / but reports shortness of breath.",
    "Beta blockers slow the heart / and mask the signs of low blood sugar.",
    "Tramadol can cause seizures / and should not be combined with sertraline.",
    "Furosemide removes excess fluid / and lowers the potassium level.",
    "Omeprazole reduces stomach acid, / and long-term use can lower magnesium.",
    "Naproxen eases joint pain / but raises the risk of heart attacks.",
    "Bisoprolol slows the heart; / it may cause cold hands and feet.",
    "Gabapentin is cleared by the kidneys, / so the dose must be reduced in renal impairment.",
    "Fluoxetine has a long half-life, / whereas paroxetine leaves the body quickly.",
    "Clarithromycin inhibits CYP3A4, / which raises the concentration of simvastatin.",
    "Sertraline can upset the stomach / and may reduce sexual desire.",
    "Heparin acts within minutes, / but warfarin takes several days to work.",
    "Allopurinol prevents gout attacks, / but it does not relieve an acute attack.",
    "Tamoxifen blocks oestrogen in the breast / and increases the risk of blood clots.",
    "Methotrexate is taken once a week; / daily use has caused deaths.",
    "Insulin must be injected, / and metformin is swallowed as a tablet.",
    "Iron tablets can cause constipation / and often turn stools black.",
    "Morphine relieves severe pain, / although it commonly causes constipation.",
    "Sumatriptan narrows blood vessels, / so it should not be used after a heart attack.",
    "Atorvastatin is usually well tolerated / but rarely causes muscle breakdown.",
    "Phenytoin induces liver enzymes / and lowers the level of many drugs.",
    "Verapamil slows conduction through the heart / and should not be combined with bisoprolol.",
    "Dabigatran is excreted by the kidneys / and is not broken down by the liver.",
    "Prednisolone raises blood glucose, / thins the skin, / and weakens the bones.",
    "Clopidogrel inhibits platelets / and is activated by the liver enzyme CYP2C19.",
    "Smoking damages blood vessels, / and it raises the risk of stroke.",
    "Salbutamol opens the airways within minutes, / but its effect lasts only four hours.",
    "Vaccines train the immune system; / they do not cause the flu itself.",
    "He has type 2 diabetes / and takes metformin twice daily.",
    "Her haemoglobin fell to 84 g/L, / and she was given two units of blood.",
    "The scan showed a clot in the left leg, / and apixaban was started the same day.",
    "You have stage 3 kidney disease, / so ibuprofen is not a good choice for you.",
    "Nitrates widen blood vessels, / which can cause headaches and flushing.",
    "Amiodarone contains iodine / and can affect the thyroid gland.",
    "Antibiotics kill bacteria, / but they do not work against viruses.",
    "ACE inhibitors dilate arterioles / and reduce protein loss in urine.",
    "Rivaroxaban should be taken with food, / and a missed dose should be taken the same day.",
    "Avoid grapefruit juice, / and limit alcohol to two units a day.",
    "The rash is not dangerous, / but the fever needs attention.",
    "Hydrochlorothiazide lowers sodium and potassium levels / and raises uric acid.",
    "Donepezil improves memory slightly; / however, it does not stop the disease.",
    "Pioglitazone causes fluid retention: / it is contraindicated in heart failure.",
    "Melatonin helps with jet lag / but has little effect on chronic insomnia.",
    "Swallow the capsule whole; / do not open it or chew the beads.",
    "Low potassium makes the heart irritable / and increases the toxicity of digoxin.",
    "Loperamide slows the gut / and does not treat the infection itself.",
    "Cranberry juice is popular, / yet trials have found little benefit from it.",
    "Azathioprine suppresses the immune system, / and live vaccines are therefore avoided.",
    "The first dose can lower blood pressure sharply, / so take it at bedtime.",
    "Colchicine relieves gout pain / but frequently causes diarrhoea.",
    "Carbimazole can lower the white cell count, / which makes infections more likely.",
]
WHOLE = [
    "If your pulse is below 50, do not take digoxin and call your doctor.",
    "Metformin should be stopped if the eGFR falls below 30 and should not be restarted.",
    "Do not take ibuprofen and drink alcohol on an empty stomach.",
    "It is thought that statins stabilise plaques and reduce inflammation.",
    "Common side effects are nausea, vomiting and headache.",
    "The usual dose is between 5 and 10 mg once daily.",
    "Neither ramipril nor losartan causes dry mouth or improves sleep.",
    "Amlodipine lowers blood pressure more than placebo and causes less cough than ramipril.",
    "The old tablets have been tried and tested in many countries.",
    "Take the missed tablet as soon as you remember and it is not nearly time for the next.",
    "Metformin is used to lower blood sugar and prevent complications.",
    "Unless your doctor says so, do not stop prednisolone and do not halve it.",
    "In patients with heart failure, spironolactone lowers mortality and raises potassium.",
    "Patients who take warfarin and eat much spinach need closer checks.",
    "Drugs that raise potassium and lower blood pressure are often combined.",
    "Ramipril is a drug that lowers blood pressure and protects the kidneys.",
    "Studies show that exercise lowers blood pressure and improves mood.",
    'The leaflet says "take with food, and it may cause drowsiness" on page two.',
    "Paracetamol (which can harm the liver, and it is sold without prescription) is an analgesic.",
    "Ibuprofen reduces pain and swelling in the joints.",
    "Blood and urine tests are done every three months.",
    "You should tell your doctor about all the medicines and supplements you are taking.",
    "The pharmacist can explain how the inhaler works and what to do with it.",
    "The dose depends on your weight and how well your kidneys work.",
    "When taken with alcohol, tramadol slows breathing and causes deep sleep.",
    "The tablets help to reduce swelling and ease stiffness in the morning.",
    "Carbamazepine does not raise lithium levels or lower them.",
    "Warfarin works for clots in the legs, but not for viral infections.",
    "Amoxicillin works well for ear infections but not for colds.",
    "Salbutamol, which is a short-acting inhaler, opens the airways.",
    "There is no evidence that vitamin C prevents colds and shortens them.",
    "Stop the medicine and see a doctor if your skin turns yellow.",
    "Aspirin is given within 24 hours of a stroke and continued for two weeks.",
    "The rash usually appears on the chest, back and arms.",
    "Eat plenty of fruit, vegetables and whole grains.",
    "Patients treated with amiodarone and those treated with lithium need thyroid tests.",
    "Carry a card saying that you take steroids and have diabetes.",
    "The injection is given into the thigh, abdomen, or upper arm.",
    "Risks and benefits of hormone therapy are discussed each year.",
    "Pain and swelling in one leg can be signs of a clot.",
    "It can take two to four weeks before sertraline works and your mood lifts.",
    "Whether you are young or old, alcohol and diazepam do not mix.",
    "During pregnancy, ibuprofen can harm the baby and reduce the fluid around it.",
    "Nitrofurantoin is avoided when eGFR is below 45, and trimethoprim is preferred.",
    "As an ACE inhibitor, ramipril lowers blood pressure and may cause cough.",
    "Because it thins the blood, warfarin prevents clots and causes bruising.",
    "Do not crush or chew the tablets, and swallow them whole.",
    "Not only does metformin lower glucose but it also helps with weight.",
    "The aim is to improve symptoms and keep you out of hospital.",
    "Take one tablet in the morning and one in the evening.",
    "Insulin glargine is long acting and insulin lispro short acting.",
    "Apixaban is as effective as warfarin and causes fewer brain bleeds.",
    "Blood pressure between 120/80 and 139/89 mmHg is called high normal.",
    "According to the guideline, adults should exercise daily and avoid smoking.",
    "Ramipril, losartan and amlodipine are used in hypertension.",
    "People with asthma or eczema are more likely to react to aspirin.",
    "Your doctor may want to check your kidneys and adjust your dose.",
    "Treatment with statins and lifestyle change both reduce risk.",
    "Take this medicine exactly as prescribed, for as long as your doctor says.",
    "Older people and children may need lower doses.",
    "Symptoms of low blood sugar include sweating, shaking, hunger and confusion.",
    "Use the lowest dose that works and for the shortest time.",
    "Amoxicillin 500 mg three times daily for 5 to 7 days is usual.",
    "The tablet should be swallowed whole and not chewed.",
    "Clopidogrel reduces strokes and heart attacks after stenting.",
    "If you forget a dose, skip it; do not take two doses together.",
    "She said that the tablets made her dizzy and stopped her sleeping.",
    "The ratio was 2:1 in favour of treatment.",
    "At high doses, vitamin B6 damages nerves and causes numbness.",
    "Ciprofloxacin can weaken tendons and should be stopped if tendon pain begins.",
]
OTHERS = [
    (
        "es",
        "El ramipril reduce la presión arterial / y previene los accidentes cerebrovasculares.",
        "fact fact",
    ),
    ("es", "El ibuprofeno alivia el dolor, / pero puede irritar el estómago.", "fact fact"),
    ("es", "La metformina no causa hipoglucemia; / se elimina por los riñones.", "fact fact"),
    ("es", "Eleva el potasio en sangre, / lo que puede alterar el ritmo cardíaco.", "fact fact"),
    ("es", "Si su pulso es inferior a 50, no tome digoxina y llame a su médico.", "instruction"),
    ("es", "Los efectos secundarios son náuseas, vómitos y dolor de cabeza.", "fact"),
    ("es", "Tome ibuprofeno con comida / y evite beber mucho alcohol.", "instruction instruction"),
    (
        "es",
        "El paracetamol es seguro para el estómago, / mientras que la aspirina puede causar sangrado gástrico.",
        "fact fact",
    ),
    ("es", "Los pacientes que toman warfarina y comen espinacas necesitan controles.", "fact"),
    ("es", "Este medicamento produce sueño, / así que no conduzca después de tomarlo.", "fact instruction"),
    ("es", "Hola, gracias por su pregunta.", "talk"),
    ("es", "No soy médico y esta es información general.", "talk"),
    ("es", "Su potasio es de 5,9 mmol/L.", "patient"),
    (
        "fr",
        "Le ramipril réduit la pression artérielle / et prévient les accidents vasculaires cérébraux.",
        "fact fact",
    ),
    ("fr", "L'ibuprofène soulage la douleur, / mais il peut irriter l'estomac.", "fact fact"),
    ("fr", "La metformine n'augmente pas le poids ; / elle est éliminée par les reins.", "fact fact"),
    ("fr", "Il augmente le potassium sanguin, / ce qui peut troubler le rythme cardiaque.", "fact fact"),
    (
        "fr",
        "Si votre pouls est inférieur à 50, ne prenez pas la digoxine et appelez votre médecin.",
        "instruction",
    ),
    ("fr", "Les effets indésirables sont des nausées, des vomissements et des maux de tête.", "fact"),
    (
        "fr",
        "La warfarine demande des contrôles réguliers, / tandis que l'apixaban ne nécessite pas de surveillance.",
        "fact fact",
    ),
    (
        "fr",
        "Les patients qui prennent de la warfarine et mangent des épinards ont besoin de contrôles.",
        "fact",
    ),
    ("fr", "Prenez l'ibuprofène avec un repas / et évitez de boire de l'alcool.", "instruction instruction"),
    ("fr", "Bonjour, merci pour votre question.", "talk"),
    ("fr", "Votre potassium est de 5,9 mmol/L.", "patient"),
    ("de", "Ramipril senkt den Blutdruck / und verhindert Schlaganfälle.", "fact fact"),
    ("de", "Ibuprofen lindert Schmerzen, / aber es kann den Magen reizen.", "fact fact"),
    (
        "de",
        "Metformin verursacht keine Unterzuckerung; / es wird über die Nieren ausgeschieden.",
        "fact fact",
    ),
    (
        "de",
        "Ramipril erhöht das Kalium im Blut, / was gefährliche Rhythmusstörungen verursachen kann.",
        "fact fact",
    ),
    (
        "de",
        "Wenn Ihr Puls unter 50 liegt, nehmen Sie kein Digoxin und rufen Sie Ihren Arzt an.",
        "instruction",
    ),
    ("de", "Häufige Nebenwirkungen sind Übelkeit, Erbrechen und Kopfschmerzen.", "fact"),
    (
        "de",
        "Warfarin braucht regelmäßige Kontrollen, / während Apixaban keine Überwachung benötigt.",
        "fact fact",
    ),
    ("de", "Patienten, die Warfarin nehmen und viel Spinat essen, brauchen Kontrollen.", "fact"),
    ("de", "Nehmen Sie Ibuprofen mit einer Mahlzeit / und vermeiden Sie viel Alkohol.", "instruction instruction"),
    ("de", "Paracetamol wird in der Leber abgebaut und über die Nieren ausgeschieden.", "fact"),
    ("de", "Ich hoffe, das hilft Ihnen weiter.", "talk"),
    ("de", "Ihr Kalium liegt bei 5,9 mmol/l.", "patient"),
    ("pt", "O ramipril reduz a pressão arterial / e previne o acidente vascular cerebral.", "fact fact"),
    ("pt", "O ibuprofeno alivia a dor, / mas pode irritar o estômago.", "fact fact"),
    ("pt", "A metformina não causa hipoglicemia; / ela é eliminada pelos rins.", "fact fact"),
    ("pt", "Ele aumenta o potássio no sangue, / o que pode alterar o ritmo cardíaco.", "fact fact"),
    ("pt", "Se o seu pulso estiver abaixo de 50, não tome digoxina e ligue para o médico.", "instruction"),
    ("pt", "Os efeitos colaterais são náuseas, vômitos e dor de cabeça.", "fact"),
    (
        "pt",
        "A varfarina precisa de exames regulares, / enquanto a apixabana não precisa de controle.",
        "fact fact",
    ),
    ("pt", "Tome o ibuprofeno com comida / e evite beber muito álcool.", "instruction instruction"),
    ("pt", "Olá, obrigada pela sua pergunta.", "talk"),
    ("pt", "Seu potássio está em 5,9 mmol/L.", "patient"),
    ("zh", "雷米普利可以降低血压； / 它可能使血钾升高。", "fact fact"),
    ("zh", "布洛芬可以缓解疼痛， / 但可能刺激胃黏膜。", "fact fact"),
    ("zh", "如果脉搏低于50次，请不要服用地高辛；请联系医生。", "instruction"),
    ("zh", "常见副作用包括恶心、呕吐和头痛。", "fact"),
    ("zh", "二甲双胍不会引起低血糖。 / 它通过肾脏排出。", "fact fact"),
    ("zh", "希望这对您有帮助。", "talk"),
    ("zh", "您的血钾是5.9 mmol/L。", "patient"),
    ("hi", "रामिप्रिल रक्तचाप कम करता है; / यह पोटैशियम बढ़ा सकता है।", "fact fact"),
    ("hi", "इबुप्रोफेन दर्द कम करता है, / लेकिन यह पेट में जलन कर सकता है।", "fact fact"),
    ("hi", "यदि नाड़ी 50 से कम हो, तो डिगॉक्सिन न लें; डॉक्टर को बुलाएं।", "instruction"),
    ("hi", "आम दुष्प्रभाव मतली, उल्टी और सिरदर्द हैं।", "fact"),
    ("hi", "धन्यवाद, मुझे खुशी है।", "talk"),
    ("hi", "आपका पोटैशियम 5.9 mmol/L है।", "patient"),
]


@pytest.mark.parametrize("marked", APART)
def test_a_sentence_that_says_two_things_is_cut_between_them(marked: str) -> None:
    assert " / ".join(c.text for c in find_claims(marked.replace(" / ", " "))) == marked


@pytest.mark.parametrize("text", WHOLE)
def test_a_sentence_stays_whole_where_a_part_would_lose_its_meaning(text: str) -> None:
    assert [c.text for c in find_claims(text)] == [text]


@pytest.mark.parametrize(("language", "marked", "kinds"), OTHERS)
def test_other_languages_are_cut_and_classed_too(language: str, marked: str, kinds: str) -> None:
    claims = find_claims(marked.replace(" / ", "" if language == "zh" else " "), language)
    assert " / ".join(c.text for c in claims) == marked
    assert " ".join(c.kind.value for c in claims) == kinds


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One thing. Another thing.", ["One thing.", "Another thing."]),
        ("Give 2.5 mg daily. Stop then.", ["Give 2.5 mg daily.", "Stop then."]),
        ("See Dr. Who, e.g. on Monday. Then rest.", ["See Dr. Who, e.g. on Monday.", "Then rest."]),
        ("It helps. [e1] It lasts [e2].", ["It helps. [e1]", "It lasts [e2]."]),
        ("- first item\n- second item", ["first item", "second item"]),
        ("1. Take it\n2. Rest", ["Take it", "Rest"]),
        ("| drug | dose |\n|---|---|\n| a | 5 mg |", ["| drug | dose |", "| a | 5 mg |"]),
        ("每日两次。服用7天！好吗？", ["每日两次。", "服用7天！", "好吗？"]),
        ("दवा लें। आराम करें।", ["दवा लें।", "आराम करें।"]),
        ("¿Puede tomarlo? Sí, con agua.", ["¿Puede tomarlo?", "Sí, con agua."]),
        ("Nehmen Sie z. B. Wasser. Danach ruhen.", ["Nehmen Sie z. B. Wasser.", "Danach ruhen."]),
    ],
)
def test_a_text_is_cut_at_the_ends_of_its_sentences(text: str, sentences: list[str]) -> None:
    assert [text[a:b] for a, b in sentence_spans(text)] == sentences
    assert " ".join(c.text for c in find_claims(text)) == " ".join(sentences)


_PIECES = st.sampled_from(
    ["Ramipril lowers blood pressure", " and prevents stroke", ", but it raises potassium", "; ", ": ", ". ", "\n- ",
     "\n## ", "| a | b |\n|---|---|\n", ", which can cause harm", " if you faint", " [e1]", "（", "。", "；但", "«",
     '"', " (", ")", "İ", "\t", "  ", "Side effects include:\n", "\n1. ", "**", "It ", "so ", "'", "😀"]
)  # fmt: skip
_DRAFTS = st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=14).map("".join))


@settings(deadline=None)  # the first draft in a language reads its tables
@given(_DRAFTS, st.sampled_from(["en", "es", "fr", "de", "pt", "zh", "hi", "xx"]))
def test_claims_lie_in_order_inside_their_sentences_and_cover_them(text: str, language: str) -> None:
    claims = find_claims(text, language)
    spans = list(sentence_spans(text))
    for claim in claims:
        assert text[claim.start : claim.end] == claim.text != ""
        assert claim.sentence in spans
        assert claim.sentence[0] <= claim.start < claim.end <= claim.sentence[1]
        assert claim.standalone.strip()
    assert all(one.end <= other.start for one, other in zip(claims, claims[1:], strict=False))
    covered = {i for c in claims for i in range(c.start, c.end)}
    assert all(i in covered or text[i].isspace() for a, b in spans for i in range(a, b))


@settings(deadline=None)  # the first draft in a language reads its tables
@given(_DRAFTS)
def test_the_same_draft_gives_the_same_claims(text: str) -> None:
    assert find_claims(text) == find_claims(text)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("so [e1].", ("e1",)),
        ("so [e1, e2]", ("e1", "e2")),
        ("so 【3】", ("3",)),
        ("so [^1] and [e2]", ("1", "e2")),
        ("[REDACTED] [see below]", ()),
    ],
)
def test_bracketed_labels_are_citations_and_other_brackets_are_not(text: str, labels: tuple[str, ...]) -> None:
    assert cited_labels(text) == labels


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Metformin lowers hepatic glucose output.", ClaimKind.FACT),
        ("Ramipril may cause a dry cough.", ClaimKind.FACT),
        ("It is thought that statins stabilise plaques.", ClaimKind.FACT),
        ("You may feel dizzy after the first dose.", ClaimKind.FACT),
        ("Your kidneys filter about 180 litres a day.", ClaimKind.FACT),
        ("Statins do not cause cancer.", ClaimKind.FACT),
        ("Use of steroids raises blood glucose.", ClaimKind.FACT),
        ("Increases in potassium are common.", ClaimKind.FACT),
        ("Hyperkalaemia is a medical emergency.", ClaimKind.FACT),
        ("I hope so, but 400 mg of ibuprofen is a usual dose.", ClaimKind.FACT),
        ("Take one tablet in the morning.", ClaimKind.INSTRUCTION),
        ("Please take it with food.", ClaimKind.INSTRUCTION),
        ("Do not crush the tablets.", ClaimKind.INSTRUCTION),
        ("The dose should be halved.", ClaimKind.INSTRUCTION),
        ("If you miss a dose, take it later.", ClaimKind.INSTRUCTION),
        ("To lower the risk, avoid alcohol.", ClaimKind.INSTRUCTION),
        ("**Dose:** take 5 mg once daily.", ClaimKind.INSTRUCTION),
        ("See a doctor if the chest pain comes back.", ClaimKind.INSTRUCTION),
        ("Stop the medicine and see a doctor if your skin turns yellow.", ClaimKind.INSTRUCTION),
        ("The patient's potassium is 5.9 mmol/L.", ClaimKind.PATIENT),
        ("Your potassium is 5.9 mmol/L.", ClaimKind.PATIENT),
        ("Your HbA1c of 9.2% is above target.", ClaimKind.PATIENT),
        ("She was admitted with pneumonia.", ClaimKind.PATIENT),
        ("A 67-year-old man with chest pain.", ClaimKind.PATIENT),
        ("You are taking warfarin.", ClaimKind.PATIENT),
        ("“Take it with food.”", ClaimKind.QUOTATION),
        ("The leaflet says: take it with food.", ClaimKind.QUOTATION),
        ('The BNF states that "it should be avoided".', ClaimKind.QUOTATION),
        ("I hope this helps!", ClaimKind.TALK),
        ("Do you feel dizzy?", ClaimKind.TALK),
        ("I am not a doctor.", ClaimKind.TALK),
        ("This is general information and not medical advice.", ClaimKind.TALK),
        ("Please talk to your doctor.", ClaimKind.TALK),
        ("I'd suggest discussing this with your GP.", ClaimKind.TALK),
        ("Side effects of ramipril include:", ClaimKind.TALK),
        ("Thanks for sharing your results.", ClaimKind.TALK),
    ],
)
def test_a_sentence_gets_its_class(text: str, kind: ClaimKind) -> None:
    assert classify(text) is kind


@pytest.mark.parametrize(
    ("draft", "standalone"),
    [
        ("Ramipril lowers pressure and prevents many strokes.", ["Ramipril prevents many strokes."]),
        ("Codeine can cause constipation and slow your breathing.", ["Codeine can slow your breathing."]),
        ("Adults should walk for thirty minutes and do strength exercises.", ["Adults should do strength exercises."]),
        (
            "Grapefruit blocks an enzyme, which raises simvastatin levels.",
            ["Grapefruit blocks an enzyme, which raises simvastatin levels."],
        ),
        ("Ramipril is an ACE inhibitor. It lowers pressure.", ["Ramipril is an ACE inhibitor. It lowers pressure."]),
        (
            "Ramipril is old. It is cheap. It lowers blood pressure and protects kidneys.",
            [
                "Ramipril is old. It is cheap.",
                "Ramipril is old. It is cheap. It lowers blood pressure",
                "Ramipril is old. It is cheap. It protects kidneys.",
            ],
        ),
        ("Ramipril is old. It is important to rest.", []),
        ("Side effects of ramipril include:\n- cough", ["Side effects of ramipril include: cough"]),
        (
            "Side effects include:\n- Common:\n  - headache\n- fever",
            ["Side effects include: Common: headache", "Side effects include: fever"],
        ),
        ("Here is what you should know:\n- Ramipril lowers pressure.", []),
        ("## Ramipril\nTake it at night.", ["Ramipril: Take it at night."]),
        ("## When to stop\nTake it at night.", []),
        ("## Ramipril\nLosartan lowers pressure.", []),
        (
            "| Drug | Dose |\n|---|---|\n| Ramipril | 5 mg [e1] |\n| Losartan | |",
            ["Drug: Ramipril; Dose: 5 mg", "Drug: Losartan"],
        ),
        ("雷米普利可以降低血压。它可能使血钾升高。", ["雷米普利可以降低血压。 它可能使血钾升高。"]),
    ],
)
def test_a_claim_carries_what_it_needs_to_be_understood(draft: str, standalone: list[str]) -> None:
    language = "en" if draft.isascii() else "zh"
    assert [c.standalone for c in find_claims(draft, language) if c.context] == standalone


def test_the_sentence_before_is_cut_to_two_hundred_characters() -> None:
    draft = f"Ramipril is {'very ' * 60}old. It lowers pressure."
    context = find_claims(draft)[-1].context
    assert len(context) <= 200
    assert context.endswith("…")


@pytest.mark.parametrize(
    ("draft", "kinds"),
    [
        ("Call your doctor if you have:\n- chest pain", ["talk", "instruction"]),
        ("Do not take ramipril if:\n- you are pregnant", ["talk", "instruction"]),
        ("Side effects include:\n- nausea", ["talk", "fact"]),
        ("## Ramipril\n## Ramipril lowers blood pressure", ["talk", "fact"]),
        ("**What it does**\nIt helps.", ["talk", "fact"]),
        ("| Drug | Dose |\n|---|---|\n| Ramipril | 5 mg |", ["talk", "fact"]),
        ("Your potassium is 5.9 mmol/L, so stop ramipril today.", ["patient", "instruction"]),
        ("She has type 2 diabetes and takes metformin twice daily.", ["patient", "patient"]),
    ],
)
def test_the_class_of_an_item_or_part_is_told_from_what_it_belongs_to(draft: str, kinds: list[str]) -> None:
    assert [c.kind.value for c in find_claims(draft)] == kinds


def test_a_mark_at_the_end_stands_for_the_parts_before_it_that_have_none() -> None:
    whole = find_claims("Ramipril lowers blood pressure and prevents many strokes [e1].")
    assert [c.citations for c in whole] == [("e1",), ("e1",)]
    own = find_claims("Ramipril lowers blood pressure [e1] and prevents many strokes [e2].")
    assert [c.citations for c in own] == [("e1",), ("e2",)]
    first = find_claims("Ramipril lowers blood pressure [e1] and prevents many strokes.")
    assert [c.citations for c in first] == [("e1",), ()]
