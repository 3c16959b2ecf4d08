"""What holds for every command: quick help, one-line errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main

from wardround.middleware.cli.main import app

Run = Callable[..., Any]
HEAVY = ("langgraph", "langchain_core", "litellm", "openai", "sqlalchemy", "psycopg", "aiohttp", "uvicorn", "starlette")
CONTRACT = {
    "demo": set[str](),
    "serve": set[str](),
    "check": set[str](),
    "batch": set[str](),
    "doctor": set[str](),
    "interactions": set[str](),
    "drugs": {"find", "import", "sources", "remove"},
    "evidence": {"import", "list", "search", "show", "remove"},
    "calibrate": {"fit", "check"},
    "policy": {"lint", "test", "show", "schema"},
    "review": {"list", "show", "approve", "edit", "reject", "redraft"},
    "audit": {"list", "show", "verify", "export"},
    "key": {"create", "list", "revoke"},
}


def commands() -> Mapping[str, click.Command]:
    root = typer.main.get_command(app)
    assert isinstance(root, click.Group)
    return root.commands


def test_help_needs_no_heavy_package() -> None:
    code = f"import sys, wardround.middleware.cli.main; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


def test_every_command_of_the_contract_is_there() -> None:
    found = commands()
    assert set(CONTRACT) <= set(found)
    for name, wanted in CONTRACT.items():
        command = found[name]
        assert wanted <= set(command.commands if isinstance(command, click.Group) else ())


def test_every_command_and_option_says_what_it_does() -> None:
    def look(path: str, command: click.Command) -> None:
        assert command.help, path
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), f"{path} {parameter.name}"
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                look(f"{path} {name}", inner)

    for name, command in commands().items():
        look(name, command)


def test_every_command_that_prints_a_result_can_print_json() -> None:
    silent = {"serve"}

    def look(path: str, command: click.Command) -> None:
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                look(f"{path} {name}", inner)
        elif path not in silent:
            assert any("--json" in parameter.opts for parameter in command.params), path

    for name, command in commands().items():
        look(name, command)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serv",), "No such command 'serv'"),
        (("serve", "--prot", "1"), "--port"),
        (("serve", "--port", "seventy"), "'seventy' is not a valid int"),
        (("serve", "--port", "70000"), "70000"),
        (("batch", "in.jsonl"), "Missing option '--output'"),
        (("audit", "show"), "Missing argument"),
        (("audit", "list", "--status", "lost"), "'lost' is none of open, released"),
        (("audit", "list", "--since", "yesterday"), "write 2026-05-01, 30m, 12h or 7d"),
        (("audit", "list", "--since", "99999999999999d"), "--since"),
        (("audit", "show", "rd_unknown"), "there is no round rd_unknown"),
        (("audit", "export", "rd_unknown", "-o", "x"), "there is no round rd_unknown"),
        (("review", "show", "rd_unknown"), "no held round rd_unknown"),
        (("review", "edit", "rd_unknown"), "with --text"),
        (("check",), "with --text"),
        (("check", "--text", "x", "--policy", "nowhere.yaml"), "no policy file 'nowhere.yaml'"),
        (("check", "--text", "x", "--policy", "wardround/patiant"), "wardround/patient"),
        (("check", "nowhere.txt"), "nowhere.txt: cannot be read: No such file"),
        (("batch", "nowhere.jsonl", "-o", "-"), "nowhere.jsonl: cannot be read"),
        (("key", "create", "--application", " "), "needs the name of an application"),
        (("key", "create", "--application", "a", "--policy", "nowhere.yaml"), "no policy file"),
        (("key", "revoke", "0000"), "No working key has this id"),
        (("doctor", "--config", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    assert said in run(*arguments).complaint


def test_a_dead_database_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROUND_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/none")
    for arguments in (("audit", "list"), ("check", "--text", "x"), ("serve", "--port", "0"), ("key", "list")):
        complaint = run(*arguments).complaint
        assert "cannot be reached" in complaint
        assert "secret" not in complaint


def test_a_misspelt_setting_is_one_line_with_a_suggestion(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "wardround.yaml"
    config.write_text("upstream_ulr: http://127.0.0.1:1/v1\n")
    assert "did you mean 'upstream_url'" in run("audit", "list", "--config", str(config)).complaint


def test_an_option_outranks_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROUND_POLICY", "wardround/patient")
    found = run("doctor", "--policy", "wardround/clinician", "--json").json
    assert found["settings"]["policy"] == "wardround/clinician"
