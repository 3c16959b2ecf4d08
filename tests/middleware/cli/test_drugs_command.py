"""`wardround drugs`: finding, importing, listing and removing; what was left out is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture
def place(tmp_path: Path) -> tuple[str, str]:
    """Options that keep the imports of a test to itself."""
    return ("--data-dir", str(tmp_path / "data"))


def test_drugs_of_a_text_are_found_with_codes_and_status(run: Run, place: tuple[str, str]) -> None:
    text = "I take Coumadin 5 mg and was told to start Bactrim. I am allergic to codeine."
    found = {r["text"]: r for r in run("drugs", "find", text, "--json", *place).json}
    assert found["Coumadin"]["ingredients"] == ["warfarin"] and found["Coumadin"]["rxcui"] == ["11289"]
    assert set(found["Bactrim"]["ingredients"]) == {"sulfamethoxazole", "trimethoprim"}
    assert found["codeine"]["status"] == "allergic"
    assert text[found["Bactrim"]["start"] : found["Bactrim"]["end"]] == "Bactrim"
    assert "warfarin" in run("drugs", "find", text, *place).out
    assert "No drug" in run("drugs", "find", "I like long walks.", *place).out


def test_a_hospital_speaks_before_the_built_in_tables(run: Run, place: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(
        "drug_a,drug_b,severity,mechanism,management\n"
        "Zestril,metformin,major,local experience,ask the renal team\n"
        "Coumadin,ibuprofen,none,,\n"
        "warfarin,not a drug,major,,\n"
        "warfarin,aspirin,terrible,,\n"
        "metformin,lisinopril,minor,,\n",
        encoding="utf-8",
    )
    result = run("drugs", "import", "hospital", file, "--name", "st-example", "--json", *place).json
    assert (result["pairs"], result["skipped"], result["rank"]) == (2, 3, 80)
    assert [r["rows"] for r in result["skipped_because"]] == [1, 1, 1]
    rows = {r["drug_b"]: r for r in run("interactions", "lisinopril", "metformin", "--json", *place).json}
    assert rows["metformin"]["severity"] == "major" and rows["metformin"]["manage"] == "ask the renal team"
    assert rows["metformin"]["rules"].startswith("st-example.")
    assert run("interactions", "warfarin", "ibuprofen", "--json", *place).json[0]["severity"] == "none"
    listed = run("drugs", "sources", "--json", *place).json
    assert [s["name"] for s in listed["sources"]] == ["st-example", "wardround"]
    assert listed["refused"] == []
    assert "st-example" in run("drugs", "sources", *place).out
    run("drugs", "remove", "st-example", *place)
    assert run("interactions", "warfarin", "ibuprofen", "--json", *place).json[0]["severity"] == "major"


def test_ddinter_fills_what_the_built_in_tables_leave_open(run: Run, place: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "ddi.csv"
    file.write_text(
        "DDInterID_A,Drug_A,DDInterID_B,Drug_B,Level\n"
        "D1,Loratadine,D2,Montelukast,Moderate\n"
        "D1,Sildenafil,D3,Nitroglycerin,Minor\n"
        "D1,Loratadine,D4,Cetirizine,Unknown\n"
        "D1,Loratadine,D5,Nosuchdrug,Major\n",
        encoding="utf-8",
    )
    report = run("drugs", "import", "ddinter", file, "--edition", "2024-01", *place).out
    assert "2 pairs" in report and "Skipped 2 rows" in report and "the drug is unknown" in report
    rows = run("interactions", "loratadine", "montelukast", "sildenafil", "nitroglycerin", "--json", *place).json
    found = {(r["drug_a"], r["drug_b"]): r for r in rows}
    assert found["loratadine", "montelukast"]["severity"] == "moderate"
    assert found["loratadine", "montelukast"]["certainty"] == "probable"
    assert found["sildenafil", "nitroglycerin"]["severity"] == "contraindicated"


def rrf(columns: int, **cells: str) -> str:
    values = [""] * columns
    for position, value in cells.items():
        values[int(position[1:])] = value
    return "|".join(values) + "|\n"


def test_rxnorm_brings_new_ingredients_and_brands(run: Run, place: tuple[str, str], tmp_path: Path) -> None:
    def atom(code: str, kind: str, name: str, suppress: str = "N") -> str:
        return rrf(18, c0=code, c1="ENG", c11="RXNORM", c12=kind, c14=name, c16=suppress)

    folder = tmp_path / "release" / "rrf"
    folder.mkdir(parents=True)
    (folder / "RXNCONSO.RRF").write_text(
        atom("11289", "IN", "warfarin") + atom("9000001", "IN", "Novelumab") + atom("9000002", "BN", "Novelia")
        + atom("9000003", "BN", "Warfanew") + atom("9000004", "BN", "Orphanbrand")
        + atom("9000005", "BN", "Oldbrand", "O")
        + "broken line\n",
        encoding="utf-8",
    )  # fmt: skip
    (folder / "RXNREL.RRF").write_text(
        rrf(16, c0="9000001", c4="9000002", c7="tradename_of", c10="RXNORM")
        + rrf(16, c0="9000003", c4="11289", c7="has_tradename", c10="RXNORM"),
        encoding="utf-8",
    )
    report = run("drugs", "import", "rxnorm", tmp_path / "release", "--json", *place).json
    assert (report["names"], report["skipped"]) == (3, 2)
    found = run("drugs", "find", "Take Novelia and Warfanew.", "--json", *place).json
    assert [r["ingredients"] for r in found] == [["novelumab"], ["warfarin"]]
    assert found[0]["rxcui"] == ["9000001"]
    assert run("drugs", "find", "Oldbrand and Orphanbrand", "--json", *place).json == []


def test_openfda_labels_give_brands_and_possible_pairs(run: Run, place: tuple[str, str], tmp_path: Path) -> None:
    label = {
        "openfda": {"generic_name": ["LORATADINE"], "brand_name": ["Loranovel"], "substance_name": ["LORATADINE"]},
        "effective_time": "20250131",
        "contraindications": ["Hypersensitivity to loratadine. Do not use with montelukast."],
        "drug_interactions": ["Avoid famotidine. No clinically significant interaction was seen with metformin."],
    }
    file = tmp_path / "labels.json"
    file.write_text(json.dumps({"results": [label, {"openfda": {}}, 7]}), encoding="utf-8")
    report = run("drugs", "import", "openfda", file, "--json", *place).json
    assert (report["pairs"], report["names"], report["skipped"], report["certainty"]) == (2, 1, 2, "possible")
    rows = run("interactions", "Loranovel", "montelukast", "famotidine", "metformin", "--json", *place).json
    severity = {(r["drug_a"], r["drug_b"]): r["severity"] for r in rows}
    assert severity["Loranovel", "montelukast"] == "contraindicated"
    assert severity["Loranovel", "famotidine"] == "major"
    assert severity["Loranovel", "metformin"] == "none"
    assert "2025-01-31" in rows[0]["citation"]


def test_names_of_a_formulary(run: Run, place: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "formulary.csv"
    file.write_text("name,ingredients\nHouse Mix,lisinopril+hydrochlorothiazide\nZocor,warfarin\nX,nothing\n")
    report = run("drugs", "import", "hospital", file, "--json", *place).json
    assert (report["names"], report["skipped"]) == (1, 2)
    found = run("drugs", "find", "House Mix each morning, and Zocor", "--json", *place).json
    assert [r["ingredients"] for r in found] == [["lisinopril", "hydrochlorothiazide"], ["simvastatin"]]


def test_an_import_replaces_the_earlier_one_and_a_failed_one_leaves_it(
    run: Run, place: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "own.csv"
    file.write_text("drug_a,drug_b,severity\nwarfarin,metformin,major\n")
    run("drugs", "import", "hospital", file, *place)
    file.write_text("drug_a,drug_b,severity\nnothing,known,major\n")
    assert "the drug is unknown" in run("drugs", "import", "hospital", file, *place).complaint
    assert run("interactions", "warfarin", "metformin", "--json", *place).json[0]["severity"] == "major"
    file.write_text("drug_a,drug_b,severity\nwarfarin,metformin,moderate\n")
    run("drugs", "import", "hospital", file, *place)
    assert run("interactions", "warfarin", "metformin", "--json", *place).json[0]["severity"] == "moderate"
    assert sorted(p.name for p in (tmp_path / "data" / "drugs").iterdir()) == ["hospital"]


def test_a_damaged_row_on_the_shelf_is_named_and_the_rest_speaks(
    run: Run, place: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "own.csv"
    file.write_text("drug_a,drug_b,severity\nwarfarin,metformin,major\n")
    run("drugs", "import", "hospital", file, *place)
    with (tmp_path / "data" / "drugs" / "hospital" / "pairs.csv").open("a") as shelf:
        shelf.write("metformin,aspirin,awful,,,,,\n")
    from wardround.agents.interactions.agent import tables

    tables.cache_clear()
    listed = run("drugs", "sources", "--json", *place).json
    assert listed["refused"] == ["hospital/pairs.csv:3: severity: 'awful' is none of contraindicated, major, minor, "
                                 "moderate, none"]  # fmt: skip
    assert run("interactions", "warfarin", "metformin", "--json", *place).json[0]["severity"] == "major"


def test_bad_imports_are_one_line(run: Run, place: tuple[str, str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"drug_a,drug_b,severity\n\xff\xfe\x00,\n")
    for kind in ("hospital", "ddinter", "rxnorm", "openfda"):
        assert run("drugs", "import", kind, tmp_path / "absent", *place).complaint
        assert run("drugs", "import", kind, empty, *place).complaint
    assert "UTF-8" in run("drugs", "import", "hospital", binary, *place).complaint
    good = tmp_path / "good.csv"
    good.write_text("drug_a,drug_b,severity\nwarfarin,metformin,major\n")
    assert "built-in" in run("drugs", "import", "hospital", good, "--name", "wardround", *place).complaint
    assert "--name" in run("drugs", "import", "hospital", good, "--name", "../x", *place).complaint
    assert "no imported source" in run("drugs", "remove", "../data", *place).complaint
