"""Which reader a file gets, and how files that cannot be read are told of."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fpdf import FPDF
from fpdf.enums import EncryptionMethod

from wardround.middleware.evidence import Document, Refused, read

Write = Callable[[str, "bytes | str"], Path]


def made_pdf(*, opens_with: str | None = None, text: str = "Metformin is contraindicated in acidosis.") -> bytes:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=11)
    pdf.multi_cell(0, 6, text)
    if opens_with is not None:
        pdf.set_encryption("owner", user_password=opens_with, encryption_method=EncryptionMethod.RC4)
    return bytes(pdf.output())


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def only(path: Path, **options: int) -> Document | Refused:
    results = list(read(path, **options))
    assert len(results) == 1
    return results[0]


LABEL = {"set_id": "a", "warnings": ["Warnings Do not exceed the dose."]}
CORRUPT_PDF = b"%PDF-1.7\n" + b"\x93garbage" * 40


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\n \t\n", "contains no text"),
        ("blank.md", b"---\ntitle: x\n---\n", "contains no text"),
        ("blank.html", b"<html><script>alert(1)</script></html>", "contains no text"),
        ("scan.pdf", made_pdf(text=""), "contains no text; a scanned PDF needs OCR first"),
        ("locked.pdf", made_pdf(opens_with="secret"), "encrypted PDF"),
        ("corrupt.pdf", CORRUPT_PDF, "corrupt PDF"),
        ("page.pdf", b"not a pdf at all", "corrupt PDF"),
        ("cut.docx", zipped({"word/document.xml": b"<w/>" * 99})[:60], "damaged or cut short"),
        ("text.docx", b"just words", "damaged or cut short"),
        ("parts.docx", zipped({"word/document.xml": b"<w/>"}), "damaged"),
        ("old.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "without a password"),
        ("bomb.docx", zipped({"word/document.xml": bytes(20 * 2**20)}), "ZIP bomb"),
        ("bomb.zip", zipped({"labels.json": b" " * (101 * 2**20)}), "more than the 104,857,600 allowed"),
        ("photos.zip", zipped({"a.png": b"x"}), "without a Word document"),
        ("sheet.xlsx", zipped({"xl/workbook.xml": b"<w/>"}), "without a Word document"),
        ("table.csv", b"drug,dose\na,b\n", "known are .pdf .docx .html"),
        ("noname", b"words", "no suffix to tell its format by"),
        ("image.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary data"),
        ("other.json", b'{"a": 1}', "JSON of no known kind"),
        ("broken.json", b'{"results": [', "damaged behind label 0"),
        ("patient.json", b'{"resourceType": "Patient"}', "holds no DocumentReference"),
        ("front.md", b"---\ntitle: [a\n---\ntext", "front matter is not valid YAML (line"),
        ("dated.md", b"---\neffective: soon\n---\ntext", "front matter: effective: expected a date"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    write: Write, name: str, content: bytes, reason: str
) -> None:
    refused = only(write(name, content))
    assert isinstance(refused, Refused)
    assert reason in refused.why
    assert refused.where.endswith(name)
    assert "\n" not in refused.where + refused.why


def test_a_file_above_the_limit_is_refused_before_it_is_opened(write: Write) -> None:
    path = write("large.txt", "word " * 100)
    path.chmod(0)
    refused = only(path, max_bytes=499)
    assert isinstance(refused, Refused)
    assert refused.why.startswith("has 500 bytes, more than the 499 allowed")
    path.chmod(0o600)
    assert isinstance(only(path, max_bytes=500), Document)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pipe.txt").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "pipe.txt")
    expected = {
        tmp_path: "is a directory",
        tmp_path / "pipe.txt": "not a regular file",
        tmp_path / "x.md": "No such file",
    }
    for path, reason in expected.items():
        refused = only(path)
        assert isinstance(refused, Refused)
        assert reason in refused.why


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(write: Write) -> None:
    path = write("secret.txt", "words")
    path.chmod(0)
    refused = only(path)
    assert isinstance(refused, Refused)
    assert "Permission denied" in refused.why


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("really.txt", made_pdf(), "really"),
        ("page.txt", b"<!doctype html><title>From HTML</title><p>words</p>", "From HTML"),
        ("labels.txt", json.dumps({**LABEL, "openfda": {"brand_name": ["Brand"]}}).encode(), "Brand"),
        ("notes.md", b"{curly} words are no JSON", "notes"),
        ("notes.txt", b"[1] a reference is no JSON", "notes"),
        ("UPPER.TXT", b"words", "UPPER"),
        ("owner.pdf", made_pdf(opens_with=""), "owner"),
    ],
)
def test_content_goes_before_the_suffix(write: Write, name: str, content: bytes, title: str) -> None:
    document = only(write(name, content))
    assert isinstance(document, Document)
    assert document.about.title == title


@pytest.mark.parametrize(
    ("content", "text", "is_guess"),
    [
        ("Größe über 5 µg".encode(), "Größe über 5 µg", False),
        ("Größe über 5 µg".encode("utf-8-sig"), "Größe über 5 µg", False),
        ("Größe über 5 µg".encode("utf-16"), "Größe über 5 µg", False),
        ("Größe über 5 µg".encode("utf-32"), "Größe über 5 µg", False),
        ("Die Größe der Dosis über fünf Tage für ältere Männer, täglich.".encode("cp1252"), "Größe", True),
    ],
)
def test_an_encoding_is_known_or_guessed_and_the_guess_is_told(
    write: Write, content: bytes, text: str, is_guess: bool
) -> None:
    document = only(write("a.txt", content))
    assert isinstance(document, Document)
    assert text in document.blocks[0].text
    assert bool(document.notes) == is_guess


def test_a_html_page_is_decoded_as_it_says(write: Write) -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><p>Доза</p></body></html>'
    document = only(write("a.html", page.encode("cp1251")))
    assert isinstance(document, Document)
    assert (document.blocks[0].text, document.notes) == ("Доза", ())


def test_an_id_is_used_once(write: Write) -> None:
    results = list(
        read(write("a.jsonl", '{"id":"1","text":"one"}\n{"id":"1","text":"two"}\n{"id":"2","text":"three"}\n'))
    )
    assert [type(each) for each in results] == [Document, Refused, Document]
    assert isinstance(results[1], Refused)
    assert "used twice" in results[1].why
