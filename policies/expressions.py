"""CEL conditions: compiled and type-checked once, evaluated together. What they may speak of lives in `variables`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, NoReturn, cast

# cel.pyi lies beside the module, which is not taken for a typed package
from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs]

from .errors import PolicyError
from .source import did_you_mean, nearest
from .syntax import MISSPELT_FIELD, MISSPELT_NAME, NO_OVERLOAD, Tree, read
from .variables import MESSAGES, PACKAGE, POOL, RANKS, VARIABLES, Facts, activation

_FUNCTIONS = frozenset({
    "size", "contains", "startsWith", "endsWith", "matches", "exists", "exists_one", "all", "filter", "map", "has",
    "int", "double", "string", "bool",
})  # fmt: skip
_POSITION = re.compile(r"<input>:(\d+):(\d+): (.*)")
_STUMBLED = re.compile(r"(?:input|at:) '(.+)'$")
_MEANT = {
    "=": "write == to compare", "=>": "write >=", "=<": "write <=", ">": "write != for unequal",
    "&": "write &&", "|": "write ||", "and": "write &&", "or": "write ||", "is": "write ==",
    "\u201c": "write straight quotes", "\u201d": "write straight quotes", "\u2018": "write straight quotes",
    "\u2019": "write straight quotes",
}  # fmt: skip
"""What is written by habit, and what it is in CEL."""
_OPERATORS = {"_&&_": "&&", "_||_": "||", "!_": "!", "@in": "in"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled condition."""

    text: str
    """As written."""
    program: cel.Expression
    """Compiled."""
    tree: Tree
    """What it mentions."""

    @property
    def reads_findings(self) -> bool:
        """Whether the findings matter to it."""
        return "findings" in self.tree.names


class Verdict(NamedTuple):
    """What came of one condition."""

    holds: bool
    error: str | None
    """Why it could not be evaluated; it then counts as not holding here, and as fired in `decide`."""


_HOLDS, _FAILS = Verdict(True, None), Verdict(False, None)


@cache
def environment() -> cel.Env:
    """The declared variables."""
    declared = {name: _type(kind) for name, kind in VARIABLES.items()}
    return cel.NewEnv(POOL, variables={**declared, **dict.fromkeys(RANKS, cel.Type.INT)})


def _type(kind: str) -> cel.Type:
    if kind == "string":
        return cel.Type.STRING
    if kind.startswith("["):
        return cel.Type.List(_type(kind.strip("[]")))
    return cel.Type(f"{PACKAGE}.{kind}")


def compile_condition(text: str, where: str) -> Condition:
    """Compile and check a condition; raises `PolicyError` that starts with `where` (`file:line: rule …`)."""
    try:
        program = environment().compile(text)
    except RuntimeError as error:
        _refuse(str(error), text, where)
    if program.return_type().name() != "BOOL":
        kind = program.return_type().name().lower()
        article = "an" if kind[0] in "aeiou" else "a"
        what = f"a condition must be true or false, this one is {article} {kind}: {_short(text)}"
        raise PolicyError(f"{where}: {what}; compare it with something")
    tree = read(_bytes(program.serialize()))
    for problem in tree.problems:
        raise PolicyError(f"{where}: at character {problem.offset + 1}: {problem.what}")
    for offset, pattern in tree.patterns:
        _check_pattern(pattern, f"{where}: at character {offset + 1}")
    return Condition(text, program, tree)


def _bytes(serialized: bytes | str) -> bytes:
    return serialized if isinstance(serialized, bytes) else serialized.encode()


def _check_pattern(pattern: str, where: str) -> None:
    env = cel.NewEnv(variables={"p": cel.Type.STRING})
    value = env.compile("''.matches(p)").eval(data={"p": pattern})
    if value.type().name() != "BOOL":
        raise PolicyError(f"{where}: broken pattern {pattern!r}: matches() takes RE2 syntax")


def _refuse(error: str, text: str, where: str) -> NoReturn:
    match = _POSITION.search(error)
    if match is None:
        raise PolicyError(f"{where}: the condition cannot be compiled: {_short(text)}")
    line, column, what = int(match[1]), int(match[2]), match[3].removesuffix(" [INVALID_ARGUMENT]")
    place = f"at character {column}" if "\n" not in text.strip() else f"at line {line}, character {column} of it"
    raise PolicyError(f"{where}: {place}: {_explain(what, text)}")


def _explain(what: str, text: str) -> str:
    if match := MISSPELT_FIELD.search(what):
        owner = match["owner"].rpartition(".")[2]
        known = MESSAGES.get(owner, {})
        return f"a {owner.lower()} has no field {match['word']!r}{did_you_mean(match['word'], known)}"
    if match := MISSPELT_NAME.search(what):
        return _unknown_name(match["word"], text)
    if match := NO_OVERLOAD.search(what):
        return _mismatch(match["op"], match["types"])
    return f"syntax: {_syntax(what.removeprefix('Syntax error: ').split(' expecting ')[0])}"


def _syntax(what: str) -> str:
    """What the parser stumbled over, and what is meant most likely."""
    if what.startswith("missing") and "<EOF>" in what:
        return f"{what.split(' at ')[0].removeprefix('missing ')} is missing at the end"
    if "<EOF>" in what:
        return "the condition ends too early; a value or a bracket is missing"
    word = match[1].strip() if (match := _STUMBLED.search(what)) else ""
    meant = _MEANT.get(word) or ("close the quote" if word[:1] in ("'", '"') and "token" in what else None)
    return f"{word!r} does not belong here{f'; {meant}' if meant else ''}" if word else what


def _unknown_name(word: str, text: str) -> str:
    head = word.split(".")[0]
    if head == "not":
        return "unknown name 'not'; write ! for not"
    called = re.findall(r"\.?(\w+)\s*\(", text)
    wrong = next((c for c in called if c not in _FUNCTIONS), None)
    if wrong is not None:
        return f"there is no function {wrong!r}{did_you_mean(wrong, _FUNCTIONS)}"
    guess = nearest(head, {*VARIABLES, *RANKS})
    hint = f"; did you mean {guess!r}?" if guess else f"; known are {', '.join(VARIABLES)}"
    return f"unknown name {head!r}{hint}"


def _mismatch(operator: str, types: str) -> str:
    shown = _OPERATORS.get(operator, operator.strip("_"))
    plain = re.sub(r"wrapper\((\w+)\)", r"\1", types).replace(f"{PACKAGE}.", "")
    hint = "; write the number with a decimal point, as in 3.0" if {"double", "int"} == set(plain.split(", ")) else ""
    if shown == "==" and "string" in plain and any(m in plain for m in MESSAGES):
        hint = "; put words in quotes"
    if shown == "in" and plain == "string, string":
        hint = '; \'in\' asks a list, as in audience in ["patient"]; to look into a text write text.contains("...")'
    if "list" in plain and "null" in plain:
        hint = "; ask has(patient.FIELD) whether a list is known"
    return f"{shown!r} cannot be applied to ({plain}){hint}"


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 80 else f"{one_line[:77]}..."


class Conditions:
    """The conditions of one policy, evaluated over one conversion of the facts."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._single = tuple(conditions)
        self._joined = _join(conditions)

    def evaluate(self, facts: Facts, findings: Sequence[object]) -> tuple[list[Verdict], Alone]:
        """The verdict on every condition, in order; and the means to ask again with fewer findings."""
        data = activation(facts)
        return self.ask(data, findings), Alone(self, data, findings)

    def ask(self, data: dict[str, object], findings: Sequence[object]) -> list[Verdict]:
        """All at once; where one of them fails, or they are too long to be joined, one by one."""
        active = environment().Activation({**data, "findings": findings})
        if self._joined is not None:
            joined = self._joined.eval(active)
            if joined.type().name() != "ERROR":
                return [_HOLDS if v else _FAILS for v in cast(list[bool], joined.plain_value())]
        return [_one(c, active) for c in self._single]

    def holds(self, condition: int, facts: Facts, findings: Sequence[object]) -> bool:
        """Whether one condition holds; an error counts as no."""
        active = environment().Activation({**activation(facts), "findings": findings})
        return _one(self._single[condition], active).holds


def _join(conditions: Sequence[Condition]) -> cel.Expression | None:
    """All conditions as one list; None where that is longer than the compiler takes."""
    try:
        return environment().compile(f"[{', '.join(f'({c.text}{chr(10)})' for c in conditions)}]")
    except RuntimeError:
        return None


class Alone:
    """Conditions asked again with one finding, or with none."""

    def __init__(self, conditions: Conditions, data: dict[str, object], findings: Sequence[object]) -> None:
        self._conditions = conditions
        self._data = data
        self._findings = findings
        self._rows: dict[int | None, list[Verdict]] = {}

    def holds(self, condition: int, finding: int | None) -> bool:
        """Whether a condition holds with this finding alone, or with none at all; an error counts as no."""
        row = self._rows.get(finding)
        if row is None:
            chosen = [] if finding is None else [self._findings[finding]]
            row = self._rows[finding] = self._conditions.ask(self._data, chosen)
        return row[condition].holds


def _one(condition: Condition, active: cel.Activation) -> Verdict:
    value = condition.program.eval(active)
    if value.type().name() == "BOOL":
        return _HOLDS if value.value() else _FAILS
    return Verdict(False, f"the condition cannot be evaluated: {_cause(str(value.value()))}")


def _cause(error: str) -> str:
    """What went wrong, without any value of the case."""
    match = re.search(r"No matching overloads found : (\S+)", error)
    if match:
        operator = match[1].split("(")[0]
        return f"{_OPERATORS.get(operator, operator.strip('_'))!r} met an unknown value; ask has(...) first"
    return "an operation met a value it cannot take"
