"""Records: JSON lines, FHIR DocumentReference, openFDA labels. A bad one is refused, its neighbours are read."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from wardround.middleware.evidence import BlockKind, Document, Refused, read

Write = Callable[[str, "bytes | str"], Path]
Documents = Callable[[Path], list[Document]]


def shapes(document: Document) -> list[tuple[str, int, str]]:
    return [(str(b.kind), b.level, b.text) for b in document.blocks]


def attached(text: bytes, kind: str = "text/plain", **more: Any) -> dict[str, Any]:
    return {"attachment": {"contentType": kind, "data": base64.b64encode(text).decode(), **more}}


def reference(identity: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "DocumentReference", "id": identity, "status": "current", "content": list(content), **more}


def test_a_record_says_what_it_is(write: Write, documents: Documents) -> None:
    record = {
        "id": 7,
        "title": "Renal dosing",
        "publisher": "Society",
        "edition": 3,
        "effective": "2024-02",
        "expires": "2026",
        "jurisdiction": "UK",
        "audience": "clinician",
        "language": "en",
        "text": "First words.",
        "sections": [{"heading": "Dose", "text": "- one\n- two"}],
        "further": {"keys": "ignored"},
    }
    (document,) = documents(write("a.jsonl", json.dumps(record)))
    about = document.about
    assert (document.key, about.title, about.publisher, about.edition) == ("7", "Renal dosing", "Society", "3")
    assert (about.effective, about.expires) == (date(2024, 2, 1), date(2026, 12, 31))
    assert (about.jurisdiction, about.audience, about.language) == ("UK", "clinician", "en")
    assert shapes(document) == [
        ("paragraph", 0, "First words."),
        ("heading", 1, "Dose"),
        ("list_item", 0, "one"),
        ("list_item", 0, "two"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not valid JSON"),
        ("[1, 2]", "expected a JSON object"),
        ('{"text": "no id"}', "id: field required"),
        ('{"id": "x", "text": ""}', "contains no text"),
        ('{"id": "x"}', "contains no text"),
        ('{"id": "x", "text": "t", "effective": "31.1.2024"}', "effective: expected a date"),
        ('{"id": "x", "text": "t", "expires": "2024-02-31"}', "expires: expected a date"),
        ('{"id": "x", "text": ["t"]}', "text: input should be a valid string"),
        ('{"id": "x", "sections": {"a": 1}}', "sections"),
    ],
)
def test_a_bad_line_is_refused_by_its_number(write: Write, line: str, reason: str) -> None:
    results = list(read(write("a.jsonl", f'{{"id":"1","text":"one"}}\n\n{line}\n{{"id":"2","text":"two"}}\n')))
    assert [type(each) for each in results] == [Document, Refused, Document]
    bad = results[1]
    assert isinstance(bad, Refused)
    assert bad.where.endswith("a.jsonl:3")
    assert reason in bad.why


def test_a_bundle_is_read_entry_by_entry(write: Write) -> None:
    guideline = reference(
        "g1",
        attached(b"# Dose\n\nTake 5 mg.", "text/markdown; charset=utf-8", language="en-GB"),
        description="Guideline",
        date="2024-05-06T07:08:09Z",
        author=[{"display": "Committee"}],
        custodian={"display": "Hospital"},
        version="2",
    )
    entries: list[Any] = [
        {"resource": {"resourceType": "Patient", "id": "p"}},
        {"resource": guideline},
        {"resource": reference("g2", {"attachment": {"contentType": "text/plain", "url": "https://example.org/x"}})},
        {"resource": reference("g3", attached(b"x", "image/png"))},
        {"resource": reference("g4", {"attachment": {"contentType": "text/plain", "data": "%%%"}})},
        {"resource": reference("g5", attached(b"x"), status="entered-in-error")},
        {"resource": {"resourceType": "DocumentReference", "id": "g6"}},
        {"resource": reference("g7", attached(b"%PDF-1.4 broken", "application/pdf"))},
        {"resource": reference("g8", attached(b"Words.", hash="AAAA"))},
        {"resource": reference("g9", attached(b'{"set_id": "a", "warnings": ["w"]}'))},
        {"no": "resource"},
        {"resource": reference("g10", attached(b"Plain."), attached(b"<p>Page</p>", "text/html"))},
    ]
    found = list(read(write("b.json", json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))))
    good = [each for each in found if isinstance(each, Document)]
    assert [each.key for each in good] == ["g1", "g10", "g10#2"]
    about = good[0].about
    assert (about.title, about.publisher, about.edition) == ("Guideline", "Hospital", "2")
    assert (about.effective, about.language) == (date(2024, 5, 6), "en-GB")
    assert shapes(good[0]) == [("heading", 1, "Dose"), ("paragraph", 0, "Take 5 mg.")]
    refused = {each.where.rpartition(": ")[2]: each.why for each in found if isinstance(each, Refused)}
    expected = {
        "entry[2]": "never fetched",
        "entry[3]": "unknown media type 'image/png'",
        "entry[4]": "not valid base64",
        "entry[5]": "entered-in-error",
        "entry[6]": "content: field required",
        "entry[7]": "corrupt PDF",
        "entry[8]": "does not match attachment.hash",
        "entry[9]": "openFDA labels inside FHIR",
        "entry[10]": "holds no resource",
    }
    assert {place: reason in refused[place] for place, reason in expected.items()} == dict.fromkeys(expected, True)
    assert refused.keys() == expected.keys()


def test_fhir_is_read_alone_and_line_by_line(write: Write) -> None:
    digest = base64.b64encode(hashlib.sha1(b"Words.", usedforsecurity=False).digest()).decode()
    one = reference("one", attached(b"Words.", hash=digest))
    assert [e.key for e in read(write("one.json", json.dumps(one, indent=1))) if isinstance(e, Document)] == ["one"]
    lines = f"{json.dumps(one)}\nbroken\n{json.dumps({**one, 'id': 'two'})}\n"
    found = list(read(write("many.ndjson", lines)))
    assert [type(each) for each in found] == [Document, Refused, Document]
    assert isinstance(found[1], Refused)
    assert found[1].where.endswith("many.ndjson:2")


PREGNANCY = "8.1 Pregnancy Avoid in the third trimester."
LABEL = {
    "warnings_and_cautions": [
        "5 WARNINGS AND PRECAUTIONS 5.1 Bleeding may occur. 5.2 Monitor the liver. 5.2 mg is no heading."
    ],
    "boxed_warning": ["WARNING: BLEEDING Stop before surgery when: • bleeding is likely • a catheter stays"],
    "drug_interactions": ["7 DRUG INTERACTIONS Strong inhibitors raise exposure."],
    "drug_interactions_table": [
        "<table><thead><tr><th>Drug</th><th>Advice</th></tr></thead><tr><td>Ketoconazole</td><td>avoid</td></tr></table>"
    ],
    "use_in_specific_populations": [f"8 USE IN SPECIFIC POPULATIONS {PREGNANCY} 8.5 Geriatric Use No change."],
    "pregnancy": [PREGNANCY],
    "set_id": "set-1",
    "version": "12",
    "effective_time": "20240131",
    "openfda": {"brand_name": ["BRAND"], "generic_name": ["GENERICUM"], "manufacturer_name": ["Maker Inc"]},
}


def test_a_label_keeps_the_order_of_its_sections_and_says_nothing_twice(write: Write, documents: Documents) -> None:
    (document,) = documents(write("label.json", json.dumps(LABEL)))
    about = document.about
    assert (document.key, about.title, about.publisher) == ("set-1", "BRAND (GENERICUM)", "Maker Inc")
    assert (about.edition, about.effective, about.jurisdiction) == ("12", date(2024, 1, 31), "US")
    assert shapes(document) == [
        ("heading", 1, "Boxed warning"),
        ("paragraph", 0, "WARNING: BLEEDING Stop before surgery when:"),
        ("list_item", 0, "bleeding is likely"),
        ("list_item", 0, "a catheter stays"),
        ("heading", 1, "Warnings and precautions"),
        ("paragraph", 0, "Bleeding may occur."),
        ("paragraph", 0, "Monitor the liver. 5.2 mg is no heading."),
        ("heading", 1, "Drug interactions"),
        ("paragraph", 0, "Strong inhibitors raise exposure."),
        ("table_row", 0, "Ketoconazole | avoid"),
        ("heading", 1, "Use in specific populations"),
        ("heading", 2, "Pregnancy"),
        ("paragraph", 0, "Avoid in the third trimester."),
        ("heading", 1, "Use in specific populations"),
        ("paragraph", 0, "Geriatric Use No change."),
    ]
    row = next(block for block in document.blocks if block.kind is BlockKind.TABLE_ROW)
    assert row.header == "Drug | Advice"


@pytest.mark.parametrize("is_zipped", [False, True])
def test_a_download_is_read_label_by_label(write: Write, is_zipped: bool) -> None:
    labels: list[Any] = [
        {**LABEL, "set_id": "a"},
        {"warnings": ["x"]},
        "text",
        {"set_id": "e"},
        {**LABEL, "set_id": "b"},
    ]
    text = json.dumps({"meta": {"last_updated": "2024-01-01"}, "results": labels}).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("drug-label-0001-of-0001.json", text)
    found = list(read(write("labels.zip" if is_zipped else "labels.json", buffer.getvalue() if is_zipped else text)))
    assert [each.key for each in found if isinstance(each, Document)] == ["a", "b"]
    refused = [each for each in found if isinstance(each, Refused)]
    assert [each.where.rpartition(": ")[2] for each in refused] == ["results[1]", "results[2]", "results[3]"]
    assert ["set_id" in refused[0].why, "JSON object" in refused[1].why, "no text" in refused[2].why] == [True] * 3


def test_a_download_cut_short_gives_the_labels_before_the_end(write: Write) -> None:
    text = json.dumps({"meta": {}, "results": [{**LABEL, "set_id": "a"}, {**LABEL, "set_id": "b"}]})
    found = list(read(write("labels.json", text[:-200])))
    assert [type(each) for each in found] == [Document, Refused]
    assert isinstance(found[1], Refused)
    assert "damaged behind label 1" in found[1].why
