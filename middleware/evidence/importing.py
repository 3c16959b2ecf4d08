"""Documents into the store: read, cut, embedded, and put in place of their last edition, one transaction a document.

A document that cannot be read is reported and leaves the store as it was; so does a process that ends half way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from wardround.agents.knowledge.embedder import Embedder, embedder
from wardround.agents.language import detect_language
from wardround.agents.safety.injection import gives_instructions
from wardround.policies.errors import InputError

from ..store import evidence as store
from ..store.database import Database
from .cleaning import clean
from .document import About, Document, Refused
from .passages import Passage, cut
from .reading import read

THREADS = 2
"""Passages that are embedded side by side; each takes one core."""
_MAX_LEFT_OUT = 20
"""Passages left out of a document that are named one by one."""


class Outcome(NamedTuple):
    """What became of one document."""

    where: str
    """File, and the record within it."""
    status: str
    """`imported`, `replaced`, `unchanged` or `refused`."""
    why: str = ""
    """Why it was refused."""
    edition: int = 0
    """Id of the edition; 0 where it was refused."""
    title: str = ""
    passages: int = 0
    notes: tuple[str, ...] = ()
    """What the operator should know of the reading."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the operator says of all documents of an import; None leaves what they say of themselves."""

    title: str | None = None
    publisher: str | None = None
    edition: str | None = None
    effective: date | None = None
    expires: date | None = None
    jurisdiction: str | None = None
    audience: str | None = None
    language: str | None = None

    def over(self, about: About) -> About:
        """What a document says of itself, with this in its place."""
        return replace(about, **{k: v for k, v in asdict(self).items() if v is not None})


class Heard(NamedTuple):
    """How far an import is, after each document."""

    bytes_done: int
    """Of the files that are read to their end."""
    passages: int
    """Passages stored or embedded so far."""


Listener = Callable[[Heard], None]


class Importer:
    """Imports files one after another into one database."""

    def __init__(self, database: Database, now: Callable[[], datetime], listen: Listener = lambda heard: None) -> None:
        self._database = database
        self._now = now
        self._listen = listen
        self._passages = 0
        self._taken: dict[str, Path] = {}

    async def run(self, paths: Sequence[Path], given: Given, *, max_bytes: int) -> list[Outcome]:
        """Import every file; each document is found as soon as it is in. Raises `StoreError`."""
        await self._database.write(store.prepare)
        found: list[Outcome] = []
        done = 0
        with ThreadPoolExecutor(THREADS, thread_name_prefix="wardround-embed") as pool:
            for path in paths:
                for read_out in read(path, max_bytes=max_bytes):
                    found.append(await self._take(path, read_out, given, pool, done))
                done += _size(path)
                self._listen(Heard(done, self._passages))
        return found

    async def _take(
        self, path: Path, read_out: Document | Refused, given: Given, pool: ThreadPoolExecutor, done: int
    ) -> Outcome:
        if isinstance(read_out, Refused):
            return Outcome(read_out.where, "refused", read_out.why)
        about = given.over(read_out.about)
        source = clean(path.name)
        where = source if read_out.key == source else f"{source}, {read_out.key}"
        if about.effective and about.expires and about.expires < about.effective:
            return Outcome(where, "refused", "it expires before it takes effect: mend the dates")
        passages, left_out = _harmless(cut(read_out))
        notes = (*read_out.notes, *left_out)
        if not passages:
            return Outcome(where, "refused", "; ".join(notes) or "it contains no text")
        digest = _digest(about, passages)
        before = await self._database.read(lambda c: store.current_edition(c, read_out.key))
        if before is not None and before.digest == digest:
            self._taken.setdefault(read_out.key, path)
            return Outcome(where, "unchanged", "", before.id, about.title, len(passages), notes)
        other = self._taken.setdefault(read_out.key, path)
        if other != path:
            return Outcome(clean(str(path)), "refused", f"{read_out.key!r} was just taken in from {clean(str(other))}")
        if before is not None:
            notes = (*notes, *_doubts(before, about, source))
        cuts = self._embedded(about.title, passages, pool, done)
        row = _row(read_out.key, about, source, digest, passages)
        at = self._now()
        deadline_s = store.patience_s(len(cuts) + (before.passages if before else 0))
        identity = await self._database.write(lambda c: store.add(c, row, cuts, now=at), deadline_s=deadline_s)
        status = "imported" if before is None else "replaced"
        return Outcome(where, status, "", identity, about.title, len(passages), notes)

    def _embedded(
        self, title: str, passages: Sequence[Passage], pool: ThreadPoolExecutor, done: int
    ) -> list[store.NewPassage]:
        model = embedder()
        found: list[store.NewPassage] = []
        vectors = pool.map(partial(_vector, model, title), passages)
        for passage, vector in zip(passages, vectors, strict=True):
            found.append(
                store.NewPassage(passage.ordinal, passage.headings, passage.page, passage.locator, passage.text, vector)
            )
            self._passages += 1
            if self._passages % 16 == 0:
                self._listen(Heard(done, self._passages))
        return found


def _harmless(passages: Sequence[Passage]) -> tuple[tuple[Passage, ...], tuple[str, ...]]:
    """Passages that inform, and a line for each that tries to give a model instructions: it would support nothing."""
    kept: list[Passage] = []
    attacks: list[Passage] = []
    for passage in passages:
        is_attack = any(map(gives_instructions, (passage.text, *passage.headings)))
        (attacks if is_attack else kept).append(passage)
    named = [f"left out, for it reads like instructions to a model: {p.locator}" for p in attacks[:_MAX_LEFT_OUT]]
    more = len(attacks) - len(named)
    return tuple(kept), (*named, *([f"left out for the same reason: {more:,} more passages"] if more else []))


def _doubts(before: store.Edition, about: About, source: str) -> tuple[str, ...]:
    """A line where another document may have had the same key: ids such as `1` are given again and again."""
    if before.source == source or before.title == about.title:
        return ()
    return (f"takes the place of edition {before.id}, {before.title!r} from {before.source}: is it the same document?",)


def _vector(model: Embedder, title: str, passage: Passage) -> list[float]:
    """A passage's meaning is read with its document's title and the headings above it: it seldom repeats them."""
    above = dict.fromkeys((title, *passage.headings[-2:]))
    return model.vector(". ".join((*above, passage.text)))


def _row(key: str, about: About, source: str, digest: str, passages: Sequence[Passage]) -> dict[str, Any]:
    told = asdict(about)
    told["language"] = _language(about.language, passages)
    return {**told, "key": key, "source": source, "digest": digest}


def _language(told: str | None, passages: Sequence[Passage]) -> str:
    """The ISO 639-1 code that is told; else, or where what is told is none, what the text looks like."""
    code = re.match(r"\s*([A-Za-z]{2})(?![A-Za-z])", told or "")
    return code[1].lower() if code else detect_language(" ".join(p.text for p in passages[:4]))[0]


def _digest(about: About, passages: Iterable[Passage]) -> str:
    """What makes an edition another one: its text, where it stands, and what it says of itself."""
    told = [asdict(about), [[p.headings, p.page, p.text] for p in passages]]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Files named, and those below folders named, in order; hidden ones left out. Raises `InputError` where missing."""
    return [f for path in paths for f in _below(path)]


def _below(path: Path) -> Iterator[Path]:
    try:
        if path.is_dir():
            yield from sorted(f for f in path.rglob("*") if f.is_file() and not _is_hidden(f.relative_to(path)))
            return
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise InputError(f"{path}: there is no such file or folder") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    yield path


def _is_hidden(below: Path) -> bool:
    return any(part.startswith(".") for part in below.parts)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


async def remove(database: Database, identity: int, now: datetime) -> None:
    """Let no draft be compared with an edition any more. Raises `InputError` where none such is current."""

    def gone(connection: sa.Connection) -> None:
        edition = store.to_remove(connection, identity) if 0 < identity < 2**63 else None
        if edition is None:
            raise InputError(f"there is no edition {identity}: see `wardround evidence list --all`")
        if not edition.current:
            raise InputError(f"edition {identity} is not current: nothing is compared with it")
        store.remove(connection, identity, now=now)

    await database.write(gone, deadline_s=store.patience_s(0))
