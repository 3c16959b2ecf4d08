"""`wardround evidence` as its user types it."""

from __future__ import annotations

from pathlib import Path

from .conftest import Run

LEAFLET = "# Veltacin leaflet\n\n## Use\n\nVeltacin is taken twice a day. The usual dose is 15 mg.\n"


def imported(run: Run, folder: Path, *more: str) -> int:
    path = folder / "veltacin.md"
    path.write_text(LEAFLET, encoding="utf-8")
    ran = run("evidence", "import", str(path), "--json", *more)
    assert ran.code == 0, ran.err
    [outcome] = ran.json
    return int(outcome["edition"])


def test_evidence_is_imported_listed_searched_shown_and_removed(run: Run, tmp_path: Path) -> None:
    edition = imported(run, tmp_path, "--edition", "7", "--publisher", "The Agency")
    [row] = [r for r in run("evidence", "list", "--json").json if r["id"] == edition]
    assert (row["title"], row["edition"], row["state"]) == ("Veltacin leaflet", "7", "current")
    [hit, *_] = run("evidence", "search", "usual dose of Veltacin", "--json").json
    assert "15 mg" in hit["text"] and hit["edition"] == "7"
    assert "15 mg" in run("evidence", "show", hit["id"]).out
    assert "The Agency" in run("evidence", "show", str(edition)).out
    assert run("evidence", "remove", str(edition)).code == 0
    assert edition not in [r["id"] for r in run("evidence", "list", "--json").json]
    assert "removed" in run("evidence", "list", "--all").out


def test_a_refused_file_is_one_line_and_exit_code_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
    (tmp_path / "good.md").write_text(LEAFLET.replace("Veltacin", "Morvadan"), encoding="utf-8")
    ran = run("evidence", "import", str(tmp_path))
    assert ran.code == 1
    assert len([line for line in ran.err.splitlines() if line.startswith("refused: ")]) == 1
    assert "1 imported, 1 refused" in ran.out


def test_a_file_over_the_limit_is_refused_unread(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(500 * 2**20)
    ran = run("evidence", "import", str(tmp_path / "huge.txt"))
    assert ran.code == 1
    assert "huge.txt" in ran.err and "--max-mb" in ran.err


def test_what_cannot_be_done_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    assert "no such file" in run("evidence", "import", str(tmp_path / "none.md")).complaint
    assert "holds no files" in run("evidence", "import", str(tmp_path)).complaint
    assert "write it like 2026-01-31" in run("evidence", "import", __file__, "--expires", "soon").complaint
    assert "neither an edition" in run("evidence", "show", "first").complaint
    assert "kb:" in run("evidence", "show", "kb:x").complaint
    assert "no edition 999999" in run("evidence", "show", "999999").complaint
    assert "nothing to search" in run("evidence", "search", " ").complaint
