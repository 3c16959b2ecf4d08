"""From a name or file to a compiled, immutable policy. Keeping policies fresh while the service runs: `book`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError
from rapidfuzz.distance import OSA

from .decision import RuleOutcome
from .document import MESSAGE_NAMES, OWN_KEYS, Citations, Document, Mode, Rule, Texts
from .errors import PolicyError
from .explain import explain
from .expressions import Condition, Conditions, compile_condition
from .finding import Action
from .merge import merge
from .source import Branch, Mark, at, did_you_mean, nearest, plain, read

PACKS = (Path(__file__).parent / "packs").resolve()
PREFIX = "wardround/"
"""Names that start so are packs that come with the program."""
DEFAULT = "wardround/default"
"""The policy that serves where none is named."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule, ready to be asked."""

    rule: Rule
    """As written."""
    origin: Mark
    """Where it is written, or was last changed."""
    condition: Condition
    """Its condition, checked."""
    idle: RuleOutcome
    """Its outcome where it does not fire; made once, for most rules do not."""

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.rule.id

    @property
    def action(self) -> Action:
        """What it demands."""
        return self.rule.then

    @property
    def shadow(self) -> bool:
        """Recorded only: by its own mode or the policy's."""
        return self.idle.shadow

    @property
    def works_sentences(self) -> bool:
        """Whether it may leave out or mark sentences: it redacts, and not identifiers alone."""
        if self.action is not Action.REDACT or not self.condition.reads_findings:
            return False
        return self.condition.tree.words.get("Finding.kind") != frozenset({"phi"}) or "!" in self.rule.when


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, merged, checked and compiled; safe to share between threads."""

    document: Document
    """The merged file."""
    digest: str
    """`sha256:…` over the merged content; the same for the same law, whatever its comments or order of keys."""
    sources: tuple[Path, ...]
    """Every file it was read from, its own first."""
    rules: tuple[CompiledRule, ...]
    """Its rules in order."""
    conditions: Conditions
    """Their conditions, evaluated together."""
    merged: Branch
    """The merged file with the line of every value."""

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.document.policy

    @property
    def version(self) -> int:
        """Its author's count."""
        return self.document.version

    @property
    def works_sentences(self) -> bool:
        """Whether sentences of an answer may be left out or marked under it."""
        redacts = self.document.agents.drafting.after_revisions == "redact"
        return redacts or any(r.works_sentences and not r.shadow for r in self.rules)

    def message(self, name: str, language: str = "en") -> str | None:
        """A message in the language, else in English, else in its first language; None where there is none."""
        text: Texts | None = self.document.messages.get(name)
        if text is None or isinstance(text, str):
            return text
        base = language.partition("-")[0].lower()
        return text.get(language) or text.get(base) or text.get("en") or next(iter(text.values()))


def load_policy(name_or_path: str, *, on_file: Callable[[Path], None] | None = None) -> Policy:
    """Load a pack (`wardround/NAME`) or a file, with all that it extends; raises `PolicyError`.

    `on_file` is told of each file just before it is read, also when loading fails later.
    """
    gathered = _Gathered(on_file or (lambda _: None))
    _gather(name_or_path, None, gathered, ())
    merged = merge(gathered.files)
    document = _validated(merged)
    rules = _compiled(document, merged)
    _check_names(document, merged)
    _check_how(document, merged, [f.mark.source for f in gathered.files])
    _check_citations(document, merged)
    _check_names_of_files(document, merged)
    return Policy(
        document=document,
        digest=_digest(document),
        sources=tuple(gathered.paths),
        rules=rules,
        conditions=Conditions([r.condition for r in rules]),
        merged=merged,
    )


def pack_names() -> tuple[str, ...]:
    """The packs that come with the program."""
    return tuple(sorted(f"{PREFIX}{p.stem}" for p in PACKS.glob("*.yaml")))


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What was read so far."""

    on_file: Callable[[Path], None]
    paths: list[Path] = field(default_factory=list[Path])
    files: list[Branch] = field(default_factory=list[Branch])


def _gather(ref: str, asked: Mark | None, into: _Gathered, chain: tuple[Path, ...]) -> None:
    """Collect the files of `ref`, bases first; each file counts once, at its first place."""
    shown, path = _resolve(ref, asked, chain)
    if path in chain:
        circle = " -> ".join(p.name for p in (*chain[chain.index(path) :], path))
        raise PolicyError(f"{_at(asked)}extends runs in a circle: {circle}; take one of them out")
    if path in into.paths:
        return
    into.paths.append(path)
    into.on_file(path)
    tree = _read_file(path, shown, asked)
    for base, mark in _bases(tree):
        _gather(base, mark, into, (*chain, path))
    into.files.append(tree)


def _at(asked: Mark | None) -> str:
    return "" if asked is None else f"{asked}: "


def _resolve(ref: str, asked: Mark | None, chain: tuple[Path, ...]) -> tuple[str, Path]:
    """How a source is shown, and where it lies: packs by name, files relative to the file that extends them."""
    if ref.startswith(PREFIX):
        if ref not in pack_names():
            raise PolicyError(f"{_at(asked)}there is no pack {ref!r}{did_you_mean(ref, pack_names())}")
        return ref, (PACKS / f"{ref.removeprefix(PREFIX)}.yaml").resolve()
    if asked is None or not chain:
        return ref, Path(ref).resolve()
    if chain[-1].parent == PACKS:
        raise PolicyError(f"{asked}: a pack can only extend packs")
    return str(Path(asked.source).parent / ref), (chain[-1].parent / ref).resolve()


def _read_file(path: Path, shown: str, asked: Mark | None) -> Branch:
    try:
        return read(path.read_text(encoding="utf-8"), shown)
    except FileNotFoundError as error:
        raise PolicyError(f"{_at(asked)}there is no policy file {shown!r}{_like(path, asked)}") from error
    except OSError as error:
        raise PolicyError(f"{_at(asked)}{shown!r} cannot be read: {error.strerror or type(error).__name__}") from error
    except UnicodeDecodeError as error:
        line = bytes(error.object[: error.start]).count(b"\n") + 1
        raise PolicyError(f"{shown}:{line}: not UTF-8 text; save the file as UTF-8") from error


def _like(path: Path, asked: Mark | None) -> str:
    """A pack or a file beside the missing one that has nearly its name; else what may be named."""
    names = {p.stem: str(p.name) for ending in ("*.yaml", "*.yml") for p in path.parent.glob(ending)}
    names |= {p.removeprefix(PREFIX): p for p in pack_names()}
    guess = nearest(path.stem, names)
    if guess is not None:
        return f"; did you mean {names[guess]!r}?"
    return f"; packs are {', '.join(pack_names())}" if asked is None else "; name a pack, or a file beside this one"


def _bases(tree: Branch) -> list[tuple[str, Mark]]:
    value = tree.entries.get("extends")
    if value is None:
        return []
    names = plain(value)
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise PolicyError(f"{value.mark}: extends is a list of packs or files, as in [wardround/base]")
    return [(str(n), value.mark) for n in names]


def _validated(merged: Branch) -> Document:
    try:
        return Document.model_validate(plain(merged), by_alias=True, by_name=False)
    except ValidationError as error:
        raise PolicyError(explain(error, merged)) from error


def _compiled(document: Document, merged: Branch) -> tuple[CompiledRule, ...]:
    return tuple(_compile(i, rule, merged, document.mode) for i, rule in enumerate(document.rules))


def _compile(i: int, rule: Rule, merged: Branch, mode: Mode) -> CompiledRule:
    origin = at(merged, ("rules", i)).mark
    where = f"{at(merged, ('rules', i, 'when')).mark}: rule {rule.id!r}"
    shadow = Mode.SHADOW in (mode, rule.mode)
    how = rule.how if rule.then is Action.REDACT else None
    idle = RuleOutcome(id=rule.id, origin=str(origin), fired=False, action=rule.then, shadow=shadow, how=how)
    return CompiledRule(rule, origin, compile_condition(rule.when, where), idle)


def _check_names(document: Document, merged: Branch) -> None:
    """Queues and messages that rules name exist, and every key of an agent is one that it reads."""
    messages = document.messages
    for i, rule in enumerate(document.rules):
        if rule.to is not None and rule.to not in document.queues:
            _unknown(at(merged, ("rules", i, "to")).mark, f"rule {rule.id!r}: unknown queue", rule.to, document.queues)
        if rule.message is not None and rule.message not in messages:
            where = at(merged, ("rules", i, "message")).mark
            _unknown(where, f"rule {rule.id!r}: unknown message", rule.message, messages)
    used = {r.message for r in document.rules}
    for name in messages:
        if name not in MESSAGE_NAMES and name not in used and _near(name, nearest(name, MESSAGE_NAMES) or ""):
            _unknown(at(merged, ("messages", name)).mark, "unknown message", name, MESSAGE_NAMES)
    for name in OWN_KEYS:
        _check_own_keys(name, getattr(document.agents, name), merged)


def _check_how(document: Document, merged: Branch, files: Sequence[str]) -> None:
    """`how` belongs to `redact`; one that is inherited may stay where an extending file changes the action alone."""
    for i, rule in enumerate(document.rules):
        if rule.then is Action.REDACT or "how" not in rule.model_fields_set:
            continue
        how, then = (at(merged, ("rules", i, key)).mark for key in ("how", "then"))
        if files.index(how.source) >= files.index(then.source):
            raise PolicyError(
                f"{how}: rule {rule.id!r}: 'how' says what 'redact' does, and this rule says 'then: {rule.then}'; "
                "take it out or write 'then: redact'"
            )


def _check_citations(document: Document, merged: Branch) -> None:
    value: object = document.agents.citations
    if value not in get_args(Citations):
        where = at(merged, ("agents", "knowledge", "citations")).mark
        known = get_args(Citations)
        raise PolicyError(
            f"{where}: agents.knowledge.citations is {str(value)[:60]!r}{did_you_mean(str(value), known)}"
        )


def _check_names_of_files(document: Document, merged: Branch) -> None:
    """Judge and certificate are named by a string."""
    options = document.agents.knowledge.options
    for key, like in (("judge", "openai/gpt-5-mini"), ("certificate", "certificate.json")):
        if key in options and not (isinstance(options[key], str) and options[key]):
            where = at(merged, ("agents", "knowledge", key)).mark
            raise PolicyError(f"{where}: {key} is named by a string, such as {like}")


def _unknown(mark: Mark, what: str, word: str, known: Mapping[str, object]) -> None:
    raise PolicyError(f"{mark}: {what} {word!r}{did_you_mean(word, known)}")


def _check_own_keys(name: str, agent: BaseModel, merged: Branch) -> None:
    known = [*(f.alias or n for n, f in type(agent).model_fields.items()), *OWN_KEYS[name]]
    for key in agent.model_extra or {}:
        if key not in known:
            raise PolicyError(
                f"{at(merged, ('agents', name, key)).mark}: unknown key {key!r}{did_you_mean(key, known)}"
            )


def _near(word: str, other: str) -> bool:
    return OSA.distance(word.lower(), other.lower()) <= 2


def _digest(document: Document) -> str:
    """Over the merged law: neither tests nor the list of bases, which is resolved by then, decide anything."""
    content = document.model_dump(mode="json", by_alias=True, exclude={"tests", "extends"})
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
