"""Policies kept fresh: a changed file takes effect for the next round, a broken one is refused and the old stays."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .errors import PolicyError
from .load import PACKS, PREFIX, Policy, load_policy
from .source import did_you_mean

_LOG = logging.getLogger("wardround.policies")
_SUFFIXES = frozenset({".yaml", ".yml"})
Stamp: TypeAlias = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One policy as last read."""

    policy: Policy | None
    """The last good version; None where there never was one."""
    stamps: Mapping[Path, Stamp]
    """Every file that the last attempt looked for, and those of the last good version, as they were before reading."""
    problem: str | None
    """Why the last attempt was refused; None where it was good."""


class PolicyBook:
    """Policies by name or path. Thread-safe; reading is sync, so ask `stale` first and call `get` in a thread.

    Promises: a round keeps the policy it was given; a broken or missing file never replaces a good version and never
    makes a policy disappear. Does not promise to see a change that leaves size, time and inode of a file alone.
    """

    def __init__(self, sources: Iterable[str | Path] = ()) -> None:
        """Load files, packs, or folders of `.yaml` files; raises `PolicyError` for the first that is broken."""
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        for source in sources:
            for ref in _refs(source):
                self.get(ref)

    def get(self, name: str) -> Policy:
        """The current version, by path, pack name, or the `policy:` name of a file already loaded.

        Raises `PolicyError` where there is no good version.
        """
        ref = self._ref(name)
        entry = self._entries.get(ref)
        if entry is None or _changed(entry):
            entry = self._refresh(ref)
        if entry.policy is None:
            raise PolicyError(entry.problem or f"there is no policy {name!r}")
        return entry.policy

    def stale(self, name: str) -> bool:
        """Whether `get` would read files; costs one `stat` per file."""
        entry = self._entries.get(self._ref(name))
        return entry is None or _changed(entry)

    def names(self) -> tuple[str, ...]:
        """The `policy:` names of what is loaded."""
        return tuple(e.policy.name for e in list(self._entries.values()) if e.policy is not None)

    def problems(self) -> tuple[str, ...]:
        """One line for each policy whose last change was refused, for `/readyz`."""
        return tuple(
            e.problem if e.policy is None else f"{e.problem} (version {e.policy.version} stays in force)"
            for e in list(self._entries.values())
            if e.problem is not None
        )

    def _ref(self, name: str) -> str:
        if name in self._entries or name.startswith(PREFIX) or Path(name).suffix in _SUFFIXES:
            return name
        entries = list(self._entries.items())
        found = next((r for r, e in entries if e.policy is not None and e.policy.name == name), None)
        if found is None and entries and not Path(name).exists():
            raise PolicyError(f"unknown policy {name!r}{did_you_mean(name, self.names())}")
        return found or name

    def _refresh(self, ref: str) -> _Entry:
        with self._lock:
            old = self._entries.get(ref)
            if old is not None and not _changed(old):
                return old  # another thread was first
            entry = _read(ref, old.policy if old else None)
            if entry.stamps or entry.policy is not None:
                self._entries[ref] = entry  # an unknown pack leaves nothing behind
            _report(ref, old, entry)
            return entry


def _refs(source: str | Path) -> list[str]:
    path = Path(source)
    if not path.is_dir():
        return [str(source)]
    files = sorted(str(p) for p in path.iterdir() if p.suffix in _SUFFIXES)
    if not files:
        raise PolicyError(f"{path}: no policy files (*.yaml) in this folder")
    return files


def _read(ref: str, good: Policy | None) -> _Entry:
    """Read a policy. Stamps are taken before reading, so that a change while reading is seen next time."""
    stamps: dict[Path, Stamp] = {}

    def note(path: Path) -> None:
        if path.parent != PACKS:  # the program's own files change with the program, not under it
            stamps[path] = _stamp(path)

    try:
        policy = load_policy(ref, on_file=note)
    except PolicyError as error:
        for path in good.sources if good else ():
            if path.parent != PACKS:
                stamps.setdefault(path, _stamp(path))
        return _Entry(good, stamps, str(error))
    return _Entry(policy, stamps, None)


def _stamp(path: Path) -> Stamp:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino


def _changed(entry: _Entry) -> bool:
    return any(_stamp(path) != stamp for path, stamp in entry.stamps.items())


def _report(ref: str, old: _Entry | None, new: _Entry) -> None:
    """Log a change once: it is only read again when a file changes."""
    if new.problem is not None:
        stays = f"; version {new.policy.version} stays in force" if new.policy else ""
        _LOG.error("policy %s refused: %s%s", ref, new.problem, stays)
    elif old is not None and new.policy is not None:
        _LOG.info("policy %s reloaded: version %d, %s", ref, new.policy.version, new.policy.digest)
