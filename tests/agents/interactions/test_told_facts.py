"""Rows of the drug tables as passages: which ones a text asks for, in what order, and how they read."""

from __future__ import annotations

import re

import pytest

from wardround.agents.interactions import passages
from wardround.agents.interactions.agent import tables
from wardround.agents.interactions.facts import formulary
from wardround.agents.interactions.limits import DoseRow
from wardround.agents.interactions.passages import PREFIX
from wardround.agents.interactions.tables import Reader
from wardround.agents.interactions.told import MOST
from wardround.agents.ports import StoredPassage


def facts(text: str, language: str = "en") -> list[StoredPassage]:
    return list(formulary().facts(text, language))


@pytest.mark.parametrize(
    ("text", "identity", "words"),
    [
        ("Ibuprofen with warfarin raises the risk of bleeding.", "label.warfarin-nsaid:ibuprofen+warfarin",
         "Ibuprofen with warfarin can lead to serious bleeding."),
        ("Take Coumadin, but not with Advil.", "label.warfarin-nsaid:ibuprofen+warfarin", "This interaction is major."),
        ("Sildenafil with nitroglycerin", "label.nitrate-pde5:nitroglycerin+sildenafil", "must not be combined"),
        ("Simvastatin with amlodipine", "label.simva-amlodipine:amlodipine+simvastatin", "Up to 20 mg of simvastatin"),
        ("Metformin must not be used at an eGFR below 30.", "renal.metformin:metformin",
         "At an eGFR below 30 mL/min, metformin is contraindicated and must not be used."),
        ("Metformin and kidney function", "renal.metformin-45:metformin", "the dose of metformin is at most 1 g a day"),
        ("Paracetamol: at most 4 g a day.", "dose.oral.day:acetaminophen", "is 4000 mg a day"),
        ("How much methotrexate at most?", "dose.oral.single:methotrexate", "at most 25 mg once a week"),
        ("How much insulin glargine at most?", "dose.injection.single:insulin glargine", "at most 100 units at once"),
        ("Propranolol in asthma", "label.betablocker-asthma:propranolol", "In asthma, propranolol is contraindicated"),
        ("Is the pill safe? I smoke. Ethinyl estradiol", "mec.estrogen-smoker:ethinyl estradiol",
         "In smokers from 35 years of age, ethinyl estradiol is contraindicated"),
        ("Valproate in pregnancy", "preg.valproate:valproate", "In pregnancy, valproate is contraindicated"),
        ("Nitrofurantoin in late pregnancy", "preg.nitrofurantoin-term:nitrofurantoin", "From week 37 of pregnancy"),
        ("Codeine for a child", "age.codeine:codeine", "In children younger than 12 years, codeine is"),
        ("Paracetamol for a baby", "age.acetaminophen-newborn:acetaminophen", "In children younger than 3 months"),
        ("Clozapine and blood tests", "monitor.clozapine:clozapine", "needs monitoring: absolute neutrophil count"),
        ("Ibuprofeno con warfarina", "label.warfarin-nsaid:ibuprofen+warfarin", "can lead to serious bleeding"),
    ],
)  # fmt: skip
def test_a_text_gets_the_row_that_it_speaks_of_among_the_first(text: str, identity: str, words: str) -> None:
    nearest = facts(text)[:3]
    [row] = [p for p in nearest if p.id == PREFIX + identity]
    assert words in row.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Rest and drink enough.", "no drug"),
        ("Ibuprofin with warfrin", "misspelt"),
        ("NSAIDs with anticoagulants", "classes alone"),
        ("Diclofenac gel for the knee", "on the skin"),
    ],
)
def test_only_drugs_that_are_named_exactly_and_act_in_the_body_have_rows(text: str, why: str) -> None:
    assert facts(text) == [], why


def test_a_form_for_the_eye_keeps_the_rows_that_count_there_too() -> None:
    assert [p.id for p in facts("Timolol eye drops in asthma")] == ["table:label.betablocker-asthma:timolol"]


def test_a_row_with_an_exception_is_left_out_where_the_text_names_it() -> None:
    fever, acne = "Doxycycline for a child with Rocky Mountain spotted fever", "Doxycycline for a child with acne"
    assert [any("age.doxycycline:" in p.id for p in facts(text)) for text in (fever, acne)] == [False, True]


def test_parts_of_one_product_are_no_pair() -> None:
    assert not any("+" in p.id for p in facts("Co-trimoxazole for a bladder infection"))
    assert any("+" in p.id for p in facts("Trimethoprim together with methotrexate"))


def test_pairs_and_the_condition_that_is_named_come_first_and_never_too_many() -> None:
    found = facts("Ibuprofen with warfarin in heart failure")
    assert {p.id.split(":")[1] for p in found[:2]} == {"label.warfarin-nsaid", "label.nsaid-heart-failure"}
    many = "Aspirin, ibuprofen, warfarin, sertraline, lisinopril, metformin, digoxin and amiodarone"
    assert len(facts(many)) == MOST and len({p.id for p in facts(many)}) == MOST


def test_a_row_is_cited_by_its_source_its_place_and_its_date() -> None:
    [renal] = [p for p in facts("Metformin at an eGFR below 30") if "renal.metformin:" in p.id]
    assert (renal.title, renal.locator, renal.edition) == ("Glucophage label, section 4", "renal.metformin", "2026-11")
    [dose] = [p for p in facts("Metformin at most") if "dose.oral.day:" in p.id]
    assert re.fullmatch(r"doses/maxima\.csv:\d+", dose.locator or "")


def every_passage() -> list[StoredPassage]:
    """Every row about one drug for one of its drugs, and every pair rule once."""
    known = tables()
    limits, found = known.limits, list[StoredPassage]()
    for drug in sorted(known.vocabulary.ingredients):
        found += [passages.of_condition(row, drug) for row in limits.conditions.of(drug)]
        found += [passages.of_pregnancy(row, drug) for row in limits.pregnancy.of(drug)]
        found += [passages.of_kidneys(row, drug) for row in limits.renal.of(drug)]
        found += [passages.of_age(row, drug) for row in limits.age.of(drug)]
        found += [passages.of_monitoring(row, drug) for row in limits.monitoring.of(drug)]
    for place, row in Reader().csv("doses/maxima*.csv", DoseRow):
        found += passages.of_maximum(row, place)
    return found + [passages.of_pair(rule, "ibuprofen", "warfarin") for rule in known.pairs.rules]


def test_every_row_reads_as_a_few_whole_sentences() -> None:
    odd = re.compile(r"can lead to (?:none|not|no use|an? interaction)\b|\b(?:None|nan)\b|\d\.0\b|e\+\d|  |\.\.")
    for passage in every_passage():
        assert re.fullmatch(r"[A-Z0-9].*\.", passage.text), passage
        assert not odd.search(passage.text), passage
        assert len(passage.text.split()) <= 75, passage
        assert passage.title and passage.locator and passage.edition and not passage.stale


def test_one_id_names_one_text() -> None:
    texts: dict[str, str] = {}
    for passage in every_passage():
        if "+" not in passage.id:
            assert texts.setdefault(passage.id, passage.text) == passage.text
    found = facts("Acarbose with pancrelipase and with charcoal")
    assert len({p.id for p in found}) == len(found)
