"""The rules of the house that no linter knows: rooms, packages, names, how modules import each other."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
ROOMS = ("policies", "agents", "alignment", "middleware")
RANK = {room: rank for rank, room in enumerate(ROOMS)}
"""A room may import those before it."""
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
MAX_LINES = 400
MAX_FUNCTION_LINES = 40
TARGETS = ("run", "test", "check", "fix", "bench", "lock")


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((HOUSE / room).rglob("*.py"))]


def relative(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


MODULES = pytest.mark.parametrize("path", modules(), ids=relative)


def trespasses(source: str, place: Path) -> list[str]:
    """Imports of our own packages that a module at `place` should write, or direct, otherwise."""
    room, depth = place.parts[0], len(place.parts) - 1
    wrong: list[str] = []
    for line, level, module in imports(source):
        name = module.split(".")
        if level > depth:
            wrong.append(f"{line}: a relative import leaves the room")
        if level or name[0] != "wardround":
            continue
        if len(name) < 2 or name[1] not in RANK or RANK[name[1]] > RANK[room]:
            wrong.append(f"{line}: {module} does not lie below {room}")
        elif ["wardround", *place.parts[:-1]] == name[: depth + 1]:
            wrong.append(f"{line}: {module} is a neighbour: import it relatively")
    return wrong


def imports(source: str) -> Iterator[tuple[int, int, str]]:
    """(line, level, module) of every import."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.level, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, 0, alias.name) for alias in node.names)


@MODULES
def test_imports_are_relative_inside_a_room_and_go_downward_across(path: Path) -> None:
    assert trespasses(path.read_text(encoding="utf-8"), path.relative_to(HOUSE)) == []


@pytest.mark.parametrize(
    ("place", "source", "is_right"),
    [
        ("policies/decide.py", "from .load import Policy", True),
        ("policies/decide.py", "from wardround.policies.load import Policy", False),
        ("policies/decide.py", "from wardround.agents import state", False),
        ("policies/decide.py", "from ..agents import state", False),
        ("agents/graph.py", "from wardround.policies.decide import decide", True),
        ("agents/safety/phi.py", "from ..sentences import split", True),
        ("agents/safety/phi.py", "from ...policies import finding", False),
        ("agents/safety/phi.py", "from wardround.agents.ports import Report", True),
        ("agents/safety/phi.py", "from wardround.agents.safety.lexicon import words", False),
        ("agents/safety/phi.py", "import wardround.middleware.rounds", False),
        ("middleware/app.py", "import wardround", False),
    ],
)
def test_the_import_rule_tells_right_from_wrong(place: str, source: str, is_right: bool) -> None:
    assert (trespasses(source, Path(place)) == []) == is_right


@MODULES
def test_a_module_says_what_lives_in_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text or ast.get_docstring(ast.parse(text)), "the first line of a module says what lives here"


@MODULES
def test_a_module_and_its_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    long = {n.name: (n.end_lineno or n.lineno) - n.lineno + 1 for n in functions}
    assert {name: size for name, size in long.items() if size > MAX_FUNCTION_LINES} == {}


def test_no_name_is_vague() -> None:
    names = {relative(path): {path.stem, path.parent.name} for path in modules()}
    assert {path for path, parts in names.items() if parts & VAGUE} == set()


def test_every_sub_package_is_installed() -> None:
    pyproject = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(pyproject["tool"]["setuptools"]["packages"])
    on_disk = {"wardround." + ".".join(path.parent.relative_to(HOUSE).parts) for path in modules()}
    assert on_disk == listed, "a new sub-package is one line in pyproject.toml"


def test_type_checkers_find_each_room() -> None:
    for room in ROOMS:
        link = HOUSE / ".src" / "wardround" / room
        assert link.is_symlink()
        assert link.resolve() == HOUSE / room


def test_tests_have_names_of_their_own_and_no_packages() -> None:
    files = [path for path in (HOUSE / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert not [path for path in files if path.name == "__init__.py"]
    names = [path.name for path in files]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_make_has_its_targets() -> None:
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    assert set(TARGETS) <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_requirements_are_pinned_with_hashes_and_name_no_index() -> None:
    lock = (HOUSE / "requirements.lock").read_text(encoding="utf-8")
    assert "http://" not in lock
    assert "https://" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert [entry.split("\n")[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
