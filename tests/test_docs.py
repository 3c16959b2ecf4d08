"""The documentation keeps up with the program: commands, settings, errors, links."""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from wardround.middleware.settings import Settings

with warnings.catch_warnings():
    # typer imports names that click has begun to deprecate
    warnings.simplefilter("ignore", DeprecationWarning)
    import typer.main

    from wardround.middleware.cli.main import app

HOUSE = Path(__file__).parents[1]
DOCS = HOUSE / "docs"
PAGES = [HOUSE / "README.md", HOUSE / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "settings.md"])
def test_a_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == generator().PAGES[name](), "run `python docs/generate.py`"


def commands() -> set[str]:
    """Every command, `audit list` and the like included."""

    def walk(command: click.Command, path: str) -> Iterator[str]:
        yield path
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                yield from walk(inner, f"{path} {name}".strip())

    return set(walk(typer.main.get_command(app), "")) - {""}


def test_every_command_is_documented() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert {name for name in commands() if f"`wardround {name}`" not in text} == set()


def test_every_setting_is_documented() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert {name for name in Settings.model_fields if f"`{name}`" not in text} == set()
    assert all(field.description for field in Settings.model_fields.values())


def test_every_error_is_documented() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert {name for name in errors() if f"`{name}`" not in text} == set()


def errors() -> set[str]:
    """Every class of ours that stands for an error meant for a person."""
    known = {"WardroundError"}
    classes = [
        node
        for room in ("policies", "agents", "alignment", "middleware")
        for path in (HOUSE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    for _ in range(3):
        known |= {c.name for c in classes if known & {b.id for b in c.bases if isinstance(b, ast.Name)}}
    return known


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(HOUSE).as_posix())
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = commands()
    named = re.findall(r"(?:^|`|/)wardround ([a-z]+(?: [a-z]+)?)", text, re.MULTILINE)
    unknown = {name for name in named if name not in known and name.split()[0] not in known}
    groups = {name.split()[0] for name in known if " " in name}
    unknown |= {name for name in named if " " in name and name.split()[0] in groups and name not in known}
    assert unknown == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(HOUSE).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = (HOUSE / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert {page for page in pages if page not in navigation} == set()


def test_the_first_screen_says_how_to_run_and_to_test() -> None:
    first = (HOUSE / "README.md").read_text(encoding="utf-8").splitlines()[:20]
    assert any(line.startswith("make run") for line in first)
    assert any(line.startswith("make test") for line in first)
