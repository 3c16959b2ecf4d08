"""Starting and stopping what is measured, with start-up time and memory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import peers
from peers import HERE, Subject

READY_DEADLINE_S = 90.0
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """A loopback port that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def direct(upstream: str) -> Subject:
    """The upstream itself: the floor of all."""
    return Subject("upstream, direct", (), f"{upstream}/chat/completions")


def passthrough(upstream: str) -> Subject:
    """A bare aiohttp proxy."""
    port = free_port()
    command = (sys.executable, str(HERE / "passthrough_server.py"), str(port), upstream)
    return Subject("aiohttp pass-through", command, f"http://127.0.0.1:{port}/v1/chat/completions")


def wardround(upstream: str, folder: Path) -> Subject:
    """Wardround as it is installed here, default policy, embedded database, every deterministic agent."""
    port = free_port()
    program = str(Path(sys.executable).parent / "wardround")
    command = (program, "serve", "--port", str(port), "--upstream", upstream, "--data-dir", str(folder / "data"))
    return Subject("Wardround", command, f"http://127.0.0.1:{port}/v1/chat/completions")


def all_subjects(upstream: str, folder: Path, only: list[str]) -> list[Subject]:
    """Every subject that is installed and asked for; `direct` always."""
    made = [direct(upstream)]
    if not only or "passthrough" in only:
        made.append(passthrough(upstream))
    if not only or "wardround" in only:
        made.append(wardround(upstream, folder))
    for name, build in (("nemo", peers.nemo), ("litellm", peers.litellm)):
        if (not only or name in only) and peers.installed(name):
            made.append(build(upstream, free_port(), folder))
    return made


class Running:
    """A server process with its log; ends with the block."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject = subject
        self.start_up_s = 0.0
        self._log = folder / f"{subject.name.split(',')[0].replace(' ', '-')}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._data = str(folder / "data")

    def __enter__(self) -> Running:
        if not self.subject.command:
            return self
        begun = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self.subject.command,
                env={**os.environ, **self.subject.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - begun > READY_DEADLINE_S:
                self.stop()
                raise RuntimeError(f"{self.subject.name} did not start; its log ends with:\n{self.log_tail()}")
            time.sleep(0.02)
        self.start_up_s = time.monotonic() - begun
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after ten seconds."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log_tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])

    def memory_mb(self) -> tuple[float, float]:
        """MB of the server's processes, and of its database's, each page shared by n processes counted as 1/n."""
        if self._process is None:
            return 0.0, 0.0
        tree = _descendants(self._process.pid)
        servers = {p for p in _pids() if "postgres" in _read(p, "comm") and self._data in _read(p, "cmdline")}
        if self._data not in self.subject.command:
            servers = set()
        database = {d for p in servers for d in _descendants(p)} - {self._process.pid}
        database |= {p for p in tree if "postgres" in _read(p, "comm")}
        return _pss_mb(tree - database), _pss_mb(database)

    def cpu_s(self) -> float:
        """CPU seconds that the server's processes have used so far, its database's not counted."""
        if self._process is None:
            return 0.0
        tree = {p for p in _descendants(self._process.pid) if "postgres" not in _read(p, "comm")}
        stats = (_read(p, "stat").rpartition(")")[2].split() for p in tree)
        return sum(int(s[11]) + int(s[12]) for s in stats if len(s) > 12) / os.sysconf("SC_CLK_TCK")

    def _answers(self) -> bool:
        try:
            return bool(chat(self.subject.url))
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{self.subject.name} answers {error.code}: {error.read()[:300]!r}") from error
        except OSError:
            return False


def chat(url: str) -> dict[str, Any]:
    """One small chat, to see that a server answers and how."""
    body = {"model": "bench", "messages": [{"role": "user", "content": "How can I lower my blood pressure?"}]}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with _opener.open(request, timeout=30) as answer:
        loaded: dict[str, Any] = json.loads(answer.read())
    return loaded


def get_json(url: str, body: object = None) -> dict[str, Any]:
    """GET, or POST with a body."""
    data = None if body is None else json.dumps(body).encode()
    with _opener.open(urllib.request.Request(url, data), timeout=10) as answer:  # noqa: S310
        loaded: dict[str, Any] = json.loads(answer.read())
    return loaded


def _pids() -> set[int]:
    return {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()}


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _descendants(root: int) -> set[int]:
    parents = {p: _read(p, "stat").rpartition(")")[2].split() for p in _pids()}
    found = {root}
    while more := {p for p, s in parents.items() if len(s) > 1 and int(s[1]) in found} - found:
        found |= more
    return found


def _pss_mb(pids: set[int]) -> float:
    lines = (line for p in pids for line in _read(p, "smaps_rollup").splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
