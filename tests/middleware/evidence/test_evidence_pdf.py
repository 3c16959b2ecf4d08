"""PDF: lines in reading order with pages, without running headers; headings, paragraphs, lists and tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

from wardround.middleware.evidence import Block, BlockKind, Document

Write = Callable[[str, "bytes | str"], Path]
Documents = Callable[[Path], list[Document]]
H, P, L, R = BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.TABLE_ROW
FILLER = "Renal function must be checked before treatment starts and at least once a year afterwards. "


class Paper(FPDF):
    """A document with a running header and a footer that counts pages."""

    def __init__(self, *, is_running: bool = True) -> None:
        super().__init__()
        self._is_running = is_running
        self.set_auto_page_break(True, 25)
        self.add_page()

    def header(self) -> None:
        if self._is_running:
            self.set_font("Helvetica", size=8)
            self.cell(0, 6, "Guideline on renal dosing", new_x="LMARGIN", new_y="NEXT")

    def footer(self) -> None:
        if self._is_running:
            self.set_y(-15)
            self.set_font("Helvetica", size=8)
            self.cell(0, 6, f"Page {self.page_no()} of 99", align="C")

    def line_of(self, text: str, *, size: float = 10, style: str = "", gap: float = 3) -> None:
        """Text over the page's width, and space below it."""
        self.set_font("Helvetica", style, size)
        self.multi_cell(0, size / 2, text, new_x="LMARGIN", new_y="NEXT")
        self.ln(gap)

    def rows(self, rows: Sequence[Sequence[str]], *, header: str = "") -> None:
        """A table without lines."""
        for number, row in enumerate(rows):
            self.set_font("Helvetica", header if number == 0 else "", 10)
            for text in row:
                self.cell(55, 6, text)
            self.ln(6)
        self.ln(4)


def shapes(blocks: Sequence[Block]) -> list[tuple[BlockKind, str]]:
    return [(block.kind, block.text) for block in blocks]


def read_back(pdf: FPDF, write: Write, documents: Documents) -> Document:
    (document,) = documents(write("a.pdf", bytes(pdf.output())))
    return document


def test_running_headers_and_page_numbers_are_dropped_and_figures_kept(write: Write, documents: Documents) -> None:
    pdf = Paper()
    for page in range(1, 5):
        pdf.line_of(f"Dose {page}", size=14, style="B")
        pdf.line_of(FILLER * 3)
        pdf.set_y(-30)
        pdf.set_font("Helvetica", size=10)
        pdf.cell(0, 5, f"Take {page * 250} mg daily.")
        if page < 4:
            pdf.add_page()
    document = read_back(pdf, write, documents)
    text = " ".join(block.text for block in document.blocks)
    assert "Guideline on" not in text
    assert "of 99" not in text
    assert [(b.text, b.page) for b in document.blocks if b.kind is H] == [(f"Dose {n}", n) for n in range(1, 5)]
    assert all(f"Take {n * 250} mg daily." in text for n in range(1, 5))


def test_headings_by_outline_font_number_and_capitals(write: Write, documents: Documents) -> None:
    pdf = Paper(is_running=False)
    pdf.set_title("Renal dosing guideline")
    pdf.start_section("Adults and children")
    pdf.line_of("Adults and children", size=16)
    pdf.line_of(FILLER * 2)
    pdf.start_section("Posology", level=1)
    pdf.line_of("Posology", size=10)
    pdf.line_of(FILLER * 2)
    pdf.line_of("4.2 Method of administration")
    pdf.line_of(FILLER * 2)
    pdf.line_of("CONTRAINDICATIONS")
    pdf.line_of("DO NOT TAKE WITH NITRATES.")
    pdf.line_of("Bold words", style="B", gap=0)
    pdf.line_of(FILLER + "The dose is\n4.5 mg for adults, and lower for others.")
    document = read_back(pdf, write, documents)
    assert document.about.title == "Renal dosing guideline"
    headings = [(b.text, b.level) for b in document.blocks if b.kind is H]
    assert headings[:3] == [("Adults and children", 1), ("Posology", 2), ("4.2 Method of administration", 2)]
    assert [text for text, _ in headings[3:]] == ["CONTRAINDICATIONS", "Bold words"]
    assert (P, "DO NOT TAKE WITH NITRATES.") in shapes(document.blocks)
    assert document.blocks[-1].text.endswith("The dose is 4.5 mg for adults, and lower for others.")


def test_paragraphs_are_joined_over_lines_and_pages_and_words_made_whole(write: Write, documents: Documents) -> None:
    pdf = Paper()
    pdf.line_of("Use a low-dose regimen. Other medication is reviewed. A dose of 5 mg is low.")
    pdf.line_of("Give this medi-\ncation as a low-\ndose infusion over a 12-\nhour period, with well-\nbeing watched.")
    while pdf.get_y() < 255:
        pdf.line_of(FILLER, gap=2)
    pdf.set_auto_page_break(False)
    pdf.set_font("Helvetica", size=10)
    pdf.cell(0, 5, "The last sentence of this page does not end here, as it goes on behind the turn of the page and")
    pdf.set_auto_page_break(True, 25)
    pdf.add_page()
    pdf.line_of("ends on the second page.")
    pdf.add_page()
    pdf.line_of("Third page.")
    document = read_back(pdf, write, documents)
    texts = [block.text for block in document.blocks]
    assert "Give this medication as a low-dose infusion over a 12-hour period, with wellbeing watched." in texts
    crossing = next(block for block in document.blocks if block.text.endswith("ends on the second page."))
    assert (crossing.page, crossing.text.split(" and ends")[0][-15:]) == (1, "urn of the page")
    assert document.blocks[-1] == Block(P, "Third page.", page=3)


def test_lists_and_tables(write: Write, documents: Documents) -> None:
    pdf = Paper(is_running=False)
    pdf.line_of("Not to be taken with:", gap=0)
    pdf.line_of("\x95 severe renal impairment", gap=0)
    pdf.line_of("\x95 asthma, " + FILLER.lower() * 2, gap=0)
    pdf.line_of("1. first step", gap=3)
    pdf.rows([("Drug", "Dose", "Interval"), ("abc", "5 mg", "daily"), ("def", "avoid", "below 30 ml/min")])
    pdf.line_of(FILLER * 2)
    pdf.rows([("Name", "Advice"), ("ghi", "stop"), ("jkl", "halve")], header="B")
    pdf.line_of(FILLER * 2)
    pdf.rows([("only one row", "5 mg")])
    document = read_back(pdf, write, documents)
    assert [text for kind, text in shapes(document.blocks) if kind is L][::2] == [
        "severe renal impairment",
        "first step",
    ]
    rows = [(block.text, block.header) for block in document.blocks if block.kind is R]
    assert rows == [
        ("abc | 5 mg | daily", "Drug | Dose | Interval"),
        ("def | avoid | below 30 ml/min", "Drug | Dose | Interval"),
        ("ghi | stop", "Name | Advice"),
        ("jkl | halve", "Name | Advice"),
    ]
    assert document.blocks[-1].text == "only one row 5 mg"


def test_a_table_goes_on_over_pages_under_its_header(write: Write, documents: Documents) -> None:
    pdf = Paper()
    pdf.line_of(FILLER)
    header = ("Drug", "Dose", "Interval")
    for page in range(3):
        pdf.rows([header, *((f"drug{page}{n}", f"{n} mg", "daily") for n in range(1, 9))])
        if page < 2:
            pdf.add_page()
    document = read_back(pdf, write, documents)
    rows = [block for block in document.blocks if block.kind is R]
    assert len(rows) == 24
    assert {block.header for block in rows} == {"Drug | Dose | Interval"}


def test_columns_are_read_one_after_the_other(write: Write, documents: Documents) -> None:
    pdf = Paper(is_running=False)
    pdf.line_of("Title over both columns", size=16)
    top = pdf.get_y()
    pdf.set_font("Helvetica", size=9)
    left, right = (
        "\n".join(f"{side} column line {n} with several words" for n in range(12)) for side in ("Left", "Right")
    )
    for y in range(12):  # written line by line across the page, as some programs do
        pdf.set_xy(10, top + 5 * y)
        pdf.cell(90, 5, left.split("\n")[y])
        pdf.set_xy(108, top + 5 * y)
        pdf.cell(90, 5, right.split("\n")[y])
    document = read_back(pdf, write, documents)
    text = " ".join(block.text for block in document.blocks)
    assert text.index("Left column line 11") < text.index("Right column line 0")


def test_small_things(write: Write, documents: Documents) -> None:
    pdf = Paper(is_running=False)
    pdf.line_of("Contents ........................ 7")
    pdf.set_font("Helvetica", size=10)
    pdf.write(5, "Platelets below 10")
    pdf.char_vpos = "SUP"
    pdf.write(5, "9")
    pdf.char_vpos = "LINE"
    pdf.write(5, "/L need care.")
    pdf.add_page()
    document = read_back(pdf, write, documents)
    assert [block.text.replace(" /", "/") for block in document.blocks] == ["Platelets below 10⁹/L need care."]
    assert document.notes == ("1 of 2 pages contain no text; scanned pages need OCR first",)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_page_is_read_as_it_is_shown(write: Write, documents: Documents, turn: int) -> None:
    upright = Paper(is_running=False)
    upright.line_of("First line of the page.")
    upright.line_of("Second line of the page.")
    expected = read_back(upright, write, documents).blocks
    pdfium: Any = import_module("pypdfium2")
    raw: Any = pdfium.PdfDocument(bytes(upright.output()))
    page = raw[0]
    width, height = page.get_size()
    dx, dy = {90: (height, 0), 180: (width, height), 270: (0, width)}[turn]
    for each in page.get_objects():
        each.transform(pdfium.PdfMatrix().rotate(turn, ccw=True).translate(dx, dy))
    if turn != 180:
        page.set_mediabox(0, 0, height, width)
    page.set_rotation(turn)
    page.gen_content()
    path = write("turned.pdf", b"")
    raw.save(path)
    raw.close()
    (document,) = documents(path)
    assert shapes(document.blocks) == shapes(expected)
