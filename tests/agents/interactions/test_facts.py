"""The drug tables as facts: doses that stand on a row and doses that do not, invented drugs and what only looks so."""

from __future__ import annotations

import pytest

from wardround.agents.interactions.agent import tables
from wardround.agents.interactions.facts import formulary
from wardround.agents.interactions.importers import strengths as recipe
from wardround.agents.interactions.importers.words import prose
from wardround.agents.interactions.strengths import Strengths, is_a_dose, strengths
from wardround.agents.interactions.tables import DATA, Reader
from wardround.agents.ports import TabledDose


def doses(text: str, language: str = "en") -> list[TabledDose]:
    return list(formulary().doses(text, language))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Take amlodipine 5 mg once daily.", "en"),
        ("Take amlodipine 7.5 mg a day.", "en"),
        ("Half a 5 mg amlodipine tablet a day", "en"),
        ("Levothyroxine 50 mcg daily", "en"),
        ("Paracetamol 500-1000 mg every 6 hours", "en"),
        ("Methotrexate 15 mg once a week", "en"),
        ("Augmentin 875 mg twice daily", "en"),
        ("Augmentin 875/125 mg twice daily", "en"),
        ("lisinopril/hydrochlorothiazide 20/12.5 mg once daily", "en"),
        ("Co-trimoxazole 960 mg twice a day", "en"),
        ("Gabapentin up to 3600 mg/day", "en"),
        ("Enoxaparin 40 mg subcutaneously once daily", "en"),
        ("Ibuprofen 1200 mg a day", "en"),
        ("Lipitor comes in several sizes. The usual dose is 20 mg a day.", "en"),
        ("Tome omeprazol 20 mg una vez al día", "es"),
        ("Prenez du paracétamol 1 g toutes les 6 heures", "fr"),
        ("Nehmen Sie Ramipril 5 mg einmal täglich.", "de"),
        ("Tome losartana 50 mg uma vez ao dia.", "pt"),
        ("服用二甲双胍 500毫克，每日两次", "zh"),
        ("मेटफॉर्मिन 500 मिलीग्राम दिन में दो बार", "hi"),
    ],
)
def test_a_usual_dose_stands_on_a_row_of_the_tables(text: str, language: str) -> None:
    (dose,) = doses(text, language)
    assert dose.citation is not None and dose.citation.source and "marketed as" in (dose.citation.locator or "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Amlodipine 50 mg once daily", "ten times the maximum"),
        ("Levothyroxine 50 mg daily", "milligrams for micrograms"),
        ("Amlodipine 4 mg once daily", "no tablet of that size"),
        ("Lisinopril 33 mg daily", "no tablets add up to it"),
        ("Paracetamol 470-1000 mg every 6 hours", "one end of the range is no dose"),
        ("Paracetamol 1 g every 4 hours", "a day adds up to too much"),
        ("Methotrexate 15 mg daily", "a weekly drug"),
        ("Amlodipine 5 mg once a week", "a daily drug"),
        ("Ibuprofen 10 mg/kg every 6 hours", "per kilogram"),
        ("Cisplatin 75 mg/m2", "per square metre"),
        ("Insulin glargine 10 units at bedtime", "no strengths"),
        ("Augmentin 875/130 mg twice daily", "no such combination"),
        ("Zorvexil 20 mg twice daily", "no such drug"),
        ("Take 20 mg twice daily", "no drug"),
        ("Clotrimazole cream 500 mg to the skin", "on the skin"),
    ],
)
def test_a_dose_that_no_row_bears_out_has_no_citation(text: str, why: str) -> None:
    (dose,) = doses(text)
    assert dose.citation is None, why


def test_amounts_are_read_as_the_agent_reads_them_and_given_to_their_drugs() -> None:
    text = "Start metformin 500 mg twice daily, then 1000 mg twice daily; add aspirin 81 mg. LDL 100 mg/dL."
    found = [(text[d.start : d.end], d.ingredients, d.single_mg, d.daily_mg) for d in doses(text)]
    assert found == [
        ("500 mg", ("metformin",), 500, 1000),
        ("1000 mg", ("metformin",), 1000, 2000),
        ("81 mg", ("aspirin",), 81, None),
    ]


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("Take 300 mg nirmatrelvir with 100 mg ritonavir twice daily", ["nirmatrelvir", "ritonavir"]),
        ("A single 3 g sachet of fosfomycin", ["fosfomycin"]),
        ("Aspirin 81 mg, clopidogrel 75 mg daily", ["aspirin", "clopidogrel"]),
        ("Stop lisinopril and start labetalol 100-200 mg BID", ["labetalol"]),
        ("Take 650 mg of acetaminophen and 400 mg of ibuprofen", ["acetaminophen", "ibuprofen"]),
    ],
)
def test_a_dose_belongs_to_the_name_beside_it(text: str, owners: list[str]) -> None:
    assert [d.ingredients for d in doses(text)] == [(o,) for o in owners]


def test_a_drug_with_one_route_needs_no_word_for_it() -> None:
    (dose,) = doses("Ceftriaxone 1 g daily")
    assert dose.citation is not None and "injection" in (dose.citation.locator or "")


def test_each_part_of_a_combination_keeps_to_its_own_maximum() -> None:
    once, often = "Norco 10/325 mg every 6 hours", "Norco 10/325 mg, 4 tablets every 4 hours"
    assert [d.citation is not None for d in doses(once)] == [True]
    assert [d.citation is not None for d in doses(often)] == [False]
    assert doses(once)[0].ingredients == ("acetaminophen", "hydrocodone")


@pytest.mark.parametrize(
    ("amount", "of_a_day", "is_one"),
    [(5, False, True), (2.5, False, True), (20, False, True), (25, False, False), (30, False, False), (30, True, True)],
)
def test_a_dose_is_a_strength_its_half_or_some_tablets(amount: float, of_a_day: bool, is_one: bool) -> None:
    assert is_a_dose(amount, [5], of_a_day=of_a_day) is is_one


def test_every_row_of_the_strengths_can_be_used_and_names_known_ingredients() -> None:
    reader = Reader()
    Strengths(reader)
    assert reader.refused == []
    named = {n for p in DATA.glob("doses/strengths*.csv") for n in _first_cells(p.read_text(encoding="utf-8"))}
    assert named <= tables().vocabulary.ingredients


def _first_cells(text: str) -> set[str]:
    return {name for line in text.splitlines()[1:] for name in line.split(",")[0].split("|")}


def test_few_maxima_have_no_strength_beside_them() -> None:
    bare = {i for (i, _), row in tables().limits.doses.items() if row.unit == "mg" and not strengths().of([i])}
    assert len(bare) <= 3, sorted(bare)


@pytest.mark.parametrize(
    ("name", "key", "amounts"),
    [
        ("hydrochlorothiazide 25 MG / quinapril 20 MG Oral Tablet", ("hydrochlorothiazide", "quinapril"), (25, 20)),
        ("brexpiprazole 4 MG Oral Tablet [Rexulti]", ("brexpiprazole",), (4,)),
        ("0.4 ML enoxaparin sodium 100 MG/ML Prefilled Syringe", ("enoxaparin",), (40,)),
        ("120 ACTUAT mometasone furoate 0.2 MG/ACTUAT Metered Dose Inhaler", ("mometasone",), (0.2,)),
        ("ibuprofen 20 MG/ML Oral Suspension", ("ibuprofen",), (100,)),
    ],
)
def test_one_dose_is_read_from_a_clinical_drug(name: str, key: tuple[str, ...], amounts: tuple[float, ...]) -> None:
    found = recipe.rxnorm(name, tables().vocabulary)
    assert found is not None and found[0] == (key, "mg") and found[1] == pytest.approx(amounts)


@pytest.mark.parametrize(
    "name",
    [
        "lidocaine hydrochloride 0.035 MG/MG Ophthalmic Gel",
        "zorvexil 20 MG Oral Tablet",
        "3 ML insulin lispro 100 UNT/ML Pen Injector",
    ],
)
def test_what_holds_no_single_dose_of_a_known_drug_is_left_out(name: str) -> None:
    assert recipe.rxnorm(name, tables().vocabulary) is None


def test_a_french_product_gives_its_strength_where_it_holds_one_drug() -> None:
    vocabulary = tables().vocabulary
    assert recipe.french("AMOXICILLINE 1 g, comprimé dispersible", ["AMOXICILLINE"], vocabulary) == (
        (("amoxicillin",), "mg"), 1000.0,
    )  # fmt: skip
    assert recipe.french("ZIACAINE, solution", ["LIDOCAÏNE"], vocabulary) is None


INVENTED = [
    ("en", "Take Zorvexil 20 mg twice daily.", "Zorvexil"),
    ("en", "Zorvexil 20 mg twice daily works well for this.", "Zorvexil"),
    ("en", "You could take trelabactam for the infection.", "trelabactam"),
    ("en", "Start Cardovant 10 mg once a day.", "Cardovant"),
    ("en", "Your doctor may prescribe Nuvexatine for the pain.", "Nuvexatine"),
    ("en", "A newer option is 50 mg of Lumoretin at night.", "Lumoretin"),
    ("en", "Ask for Brivontel tablets at the pharmacy.", "Brivontel"),
    ("en", "Add velnagliptin to your metformin.", "velnagliptin"),
    ("en", "She was started on Pelvaroxin last week.", "Pelvaroxin"),
    ("en", "Melcrozole is better tolerated; take Melcrozole 40 mg before breakfast.", "Melcrozole"),
    ("en", "There is a medicine called Nephrolyx for this.", "Nephrolyx"),
    ("en", "The drug Oncavistat shrinks the tumour.", "Oncavistat"),
    ("en", "Dexprazolan (Sedavine), 5 mg at bedtime, is usual.", "Sedavine"),
    ("en", "Use fornazumab every two weeks.", "fornazumab"),
    ("en", "Try quorsartan instead of losartan.", "quorsartan"),
    ("en", "Give her Calmivex syrup, 5 mL at night.", "Calmivex"),
    ("en", "Switch to Rivantrol twice daily.", "Rivantrol"),
    ("en", "Tirvastatin 30 mg lowers LDL more than atorvastatin.", "Tirvastatin"),
    ("en", "She takes melbutinib for arthritis.", "melbutinib"),
    ("en", "A single dose of Flexorane is enough.", "Flexorane"),
    ("en", "- Glucavir XR 500 mg with dinner", "Glucavir"),
    ("en", "**Hepavance** 100 mg daily protects the liver.", "Hepavance"),
    ("en", "Combine it with vorlamycin 250 mg every 8 hours.", "vorlamycin"),
    ("en", "Take ZANTRIVOX 10 mg in the morning.", "ZANTRIVOX"),
    ("es", "Tome Zorvexil 20 mg dos veces al día.", "Zorvexil"),
    ("es", "Puede tomar trelabactam para la infección.", "trelabactam"),
    ("es", "Su médico le receta Cardovant una vez al día.", "Cardovant"),
    ("es", "Añada velnagliptina 50 mg a la metformina.", "velnagliptina"),
    ("es", "Melcrozol 40 mg antes del desayuno es lo habitual.", "Melcrozol"),
    ("es", "Existe un medicamento llamado Nefrolix para esto.", "Nefrolix"),
    ("es", "Los comprimidos de Brivontel alivian el dolor.", "Brivontel"),
    ("es", "Pruebe quorsartán en lugar de losartán.", "quorsartán"),
    ("fr", "Prenez Zorvexil 20 mg deux fois par jour.", "Zorvexil"),
    ("fr", "Vous pouvez prendre du trélabactam.", "trélabactam"),
    ("fr", "Le médecin prescrit Cardovant 10 mg par jour.", "Cardovant"),
    ("fr", "La velnagliptine 50 mg s'ajoute à la metformine.", "velnagliptine"),
    ("fr", "Il existe un médicament appelé Néphrolyx.", "Néphrolyx"),
    ("fr", "Mélcrozole 40 mg avant le petit déjeuner.", "Mélcrozole"),
    ("fr", "Une dose de Flexorane suffit.", "Flexorane"),
    ("de", "Nehmen Sie Zorvexil 20 mg zweimal täglich.", "Zorvexil"),
    ("de", "Sie können Trelabactam einnehmen, 500 mg morgens.", "Trelabactam"),
    ("de", "Der Arzt verschreibt Cardovant 10 mg.", "Cardovant"),
    ("de", "Das Medikament Nephrolyx hilft dagegen.", "Nephrolyx"),
    ("de", "Velnagliptin 50 mg ergänzt Metformin.", "Velnagliptin"),
    ("de", "Brivontel Tabletten gibt es in der Apotheke.", "Brivontel"),
    ("de", "Quorsartan senkt den Blutdruck.", "Quorsartan"),
    ("pt", "Tome Zorvexil 20 mg duas vezes ao dia.", "Zorvexil"),
    ("pt", "Pode tomar trelabactam para a infecção.", "trelabactam"),
    ("pt", "O médico receitou Cardovant 10 mg por dia.", "Cardovant"),
    ("pt", "A velnagliptina 50 mg complementa a metformina.", "velnagliptina"),
    ("pt", "Existe um medicamento chamado Nefrolix.", "Nefrolix"),
    ("pt", "Experimente quorsartana em vez de losartana.", "quorsartana"),
    ("zh", "请服用 Zorvexil 20 mg，每日两次。", "Zorvexil"),
    ("zh", "建议服用曲拉巴坦500毫克，每日三次。", "曲拉巴坦"),
    ("zh", "可以口服维那列汀50毫克。", "维那列汀"),
    ("zh", "医生会开Cardovant片，10毫克。", "Cardovant"),
    ("hi", "Zorvexil 20 mg दिन में दो बार लें।", "Zorvexil"),
    ("hi", "ज़ोर्वेक्सिल 20 मिलीग्राम दिन में दो बार लें।", "ज़ोर्वेक्सिल"),
    ("hi", "आप ट्रेलाबैक्टम ले सकते हैं।", "ट्रेलाबैक्टम"),
    ("hi", "वेलनाग्लिप्टिन 50 मिलीग्राम रोज़ लें।", "वेलनाग्लिप्टिन"),
]
"""Language, sentence, and the name in it that no medicine has."""

BENIGN = [
    ("en", "Hemoglobin 12 g/dL and creatinine 1.2 mg/dL are fine; Ferritin 30 ng/mL is low."),
    ("en", "Take Tylenol 500 mg, Advil 200 mg or Lipitor 40 mg as labelled."),
    ("en", "Vitamin C 500 mg, Zinc 10 mg, Magnesium 400 mg and Fish Oil 1 g daily."),
    ("en", "Protein 20 g, Fiber 5 g, Sodium 140 mg, Carbohydrates 30 g, Saturated fat 3 g."),
    ("en", "Maximum 40 mg a day. Start 20 mg. Increase 10 mg weekly. Daytime 5 mg, Bedtime 10 mg."),
    ("en", "CHADS-VASc 3, HAS-BLED 2, PHQ-9 12; COPD and GERD are stable. Take NSAIDs with food."),
    ("en", "Beta-blockers, SSRIs, corticosteroids and gliptins; take antihistamines daily."),
    ("en", "Take Ozempic 0.5 mg weekly, or Eliquis 5 mg twice daily. Ibuprofin 200 mg works too."),
    ("en", "Prescribed by Dr. Zorvel. Ask Maria. Take Grandma to the clinic daily."),
    ("en", "Drink 200 mL of Gatorade or Pedialyte; Ensure 237 mL daily."),
    ("en", "Water pills, sleeping pills, Steroid injections and Conjunctival injection."),
    ("en", "Alzheimer's, Parkinson's and Crohn's; use Medicare or MedlinePlus."),
    ("es", "Hemoglobina 12 g/dl, creatinina de 1,9 mg/dl y colesterol 200 mg/dl."),
    ("es", "Tome Nolotil 575 mg, Efferalgan 1 g o Paracetamol 650 mg. Proteínas 20 g, Fibra 5 g."),
    ("es", "Tome Agua con Limón cada 8 horas. Máximo 40 mg al día. Dosis diaria 20 mg."),
    ("fr", "Hémoglobine 12 g/dl et créatinine 10 mg/l. Prenez du Doliprane 1 g ou du Spasfon."),
    ("fr", "Protéines 20 g, Fibres 5 g, Sodium 140 mg. Dose maximale 40 mg. Adultes 20 mg par jour."),
    ("de", "Eiweiß 20 g, Ballaststoffe 5 g, Kochsalz 6 g, Traubenzucker 10 g, Zucker 12 g."),
    ("de", "Nehmen Sie Blutdrucksenker täglich. Höchstdosis 40 mg. Tagesdosis 20 mg, Erhaltungsdosis 10 mg."),
    ("de", "Nehmen Sie Novalgin 500 mg, Ibuprofen 400 mg oder Pantoprazol 20 mg. Abends 10 mg, Morgens 5 mg."),
    ("de", "Schmerzmittel, Magenschutz und Wassertabletten; Hämoglobin 12 g/dl, Kreatinin 1,2 mg/dl."),
    ("pt", "Hemoglobina 12 g/dL, creatinina 1,2 mg/dL. Tome Dipirona 500 mg ou Novalgina 1 g."),
    ("pt", "Proteínas 20 g, Fibras 5 g, Sódio 140 mg. Dose máxima 40 mg por dia. Adultos 20 mg."),
    ("zh", "每天服用二甲双胍500毫克、阿托伐他汀20毫克和厄贝沙坦150毫克。"),
    ("zh", "他汀类药物、沙坦类药物；血红蛋白12克，维生素C 100毫克，每日最大剂量40毫克。"),
    ("hi", "रोज़ाना मेटफॉर्मिन 500 मिलीग्राम लें। अधिकतम 40 मिलीग्राम, प्रोटीन 20 ग्राम, विटामिन सी 500 मिलीग्राम।"),
]
"""Language and a text in which every drug is real, and every other amount is of something else."""


@pytest.mark.parametrize(("language", "text", "name"), INVENTED)
def test_an_invented_drug_is_noticed(language: str, text: str, name: str) -> None:
    found = formulary().unknown_drugs(text, language)
    assert {u.word for u in found} == {name} and all(text[u.start : u.end] == name for u in found)


@pytest.mark.parametrize(("language", "text"), BENIGN)
def test_real_drugs_nutrients_tests_and_people_are_no_unknown_drugs(language: str, text: str) -> None:
    assert list(formulary().unknown_drugs(text, language)) == []


def test_no_known_name_is_unknown_before_a_dose() -> None:
    names = [n.text for n in tables().vocabulary.names.values()][::7]
    found = [n for n in names if formulary().unknown_drugs(f"Take {n} 20 mg daily.", "en")]
    assert found == []


def test_everyday_words_carried_are_those_of_the_recipe() -> None:
    carried = (DATA / "vocabulary/prose.txt").read_text(encoding="utf-8").splitlines()
    assert {w for line in carried if line[0] != "#" for w in line.split()} == prose()
