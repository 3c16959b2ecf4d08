"""`wardround interactions`: names, files of pairs, a patient; errors in one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from .conftest import Run

SIMVASTATIN_PATIENT = {"age_years": 70, "medications": ["simvastatin 40 mg daily"], "allergies": ["penicillin"]}


def test_names_are_judged_in_every_pair(run: Run) -> None:
    found = {
        (r["drug_a"], r["drug_b"]): r for r in run("interactions", "warfarin", "Advil", "metformin", "--json").json
    }
    severities = {pair: r["severity"] for pair, r in found.items()}
    assert severities == {
        ("warfarin", "Advil"): "major",
        ("warfarin", "metformin"): "none",
        ("Advil", "metformin"): "none",
    }
    spoken = found["warfarin", "Advil"]
    assert all(spoken[k] for k in ("rules", "mechanism", "citation", "effect", "manage", "certainty"))


def test_people_read_what_may_happen_and_what_to_do(run: Run) -> None:
    shown = run("interactions", "Viagra", "nitroglycerin").out
    assert "contraindicated" in shown and "What may happen:" in shown and "What to do:" in shown


def test_a_file_of_pairs_comes_back_with_the_names_as_given(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "pairs.csv"
    source.write_text('drug_a,drug_b\nViagra,GTN\nfoo,bar\n"Zestril, 10 mg",Aldactone\n', encoding="utf-8")
    rows = list(csv.DictReader(run("interactions", "--pairs", source).out.splitlines()))
    assert list(rows[0]) == ["drug_a", "drug_b", "severity", "rules", "mechanism", "citation"]
    assert (rows[0]["drug_a"], rows[0]["severity"]) == ("Viagra", "contraindicated")
    assert (rows[1]["drug_a"], rows[1]["severity"], rows[1]["rules"]) == ("foo", "none", "")
    assert rows[2]["drug_a"] == "Zestril, 10 mg" and rows[2]["severity"] != "none"


@pytest.mark.parametrize("fhir", [False, True])
def test_a_drug_is_judged_as_new_for_a_patient(run: Run, tmp_path: Path, fhir: bool) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "resource": {
                    "resourceType": "MedicationStatement",
                    "status": "active",
                    "subject": {"reference": "Patient/p"},
                    "medicationCodeableConcept": {"text": "simvastatin 40 mg"},
                }
            },
            {
                "resource": {
                    "resourceType": "AllergyIntolerance",
                    "patient": {"reference": "Patient/p"},
                    "code": {"text": "penicillin"},
                }
            },
        ],
    }
    file = tmp_path / "patient.json"
    file.write_text(json.dumps(bundle if fhir else SIMVASTATIN_PATIENT), encoding="utf-8")
    found = run("interactions", "Biaxin 500 mg", "Amoxil", "--patient", file, "--json").json
    kinds = {f["kind"]: f for f in found}
    assert set(kinds["interaction"]["subjects"]) == {"clarithromycin", "simvastatin"}
    assert kinds["interaction"]["severity"] == "contraindicated"
    assert "amoxicillin" in kinds["allergy"]["subjects"]


def test_a_harmless_drug_says_what_silence_means(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "patient.json"
    file.write_text(json.dumps({"medications": ["metformin"]}), encoding="utf-8")
    assert "Nothing in the tables" in run("interactions", "loratadine", "--patient", file).out


def test_bad_input_is_one_line(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n", encoding="utf-8")
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"age": 4}', encoding="utf-8")
    assert "two or more" in run("interactions", "warfarin").complaint
    assert "two or more" in run("interactions").complaint
    assert "did you mean 'metoprolol'" in run("interactions", "warfarin", "metoprolqqol").complaint
    assert "unknown drug 'xyzzy'" in run("interactions", "warfarin", "xyzzy").complaint
    assert "drug_a and drug_b" in run("interactions", "--pairs", bad).complaint
    assert "absent.csv" in run("interactions", "--pairs", "absent.csv").complaint
    assert "stands alone" in run("interactions", "warfarin", "--pairs", bad).complaint
    assert "unknown field" in run("interactions", "warfarin", "--patient", wrong).complaint
