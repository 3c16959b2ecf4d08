"""`wardround policy`: lint, test, show and schema. What a policy means lives in the `policies` room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import EXIT_BAD_INPUT, EXIT_STOPPED
from .options import AsJson, argument, option
from .printing import print_json

if TYPE_CHECKING:
    from wardround.policies.lint import Problem
    from wardround.policies.load import Policy
    from wardround.policies.testing import Judge, Report, Result

policy_app = typer.Typer(help="Check, test and read policies.", no_args_is_help=True)

Policies = Annotated[list[str], argument(metavar="NAME|FILE...", help="Packs by name, or YAML files.")]
OnePolicy = Annotated[str, argument(metavar="NAME|FILE", help="A pack by name, or a YAML file.")]


@policy_app.command("lint")
def lint_policies(policies: Policies, as_json: AsJson = False) -> None:
    """Find what is wrong, or probably not meant.

    Exit code 1 where a problem is found (notes are none), 2 where a policy cannot be loaded.
    """
    from wardround.policies.lint import Level, lint

    loaded, refused = _load(policies)
    found = [(name, p) for name, policy in loaded for p in lint(policy, installed=validator_installed)]
    if as_json:
        print_json({"problems": [_problem(name, p) for name, p in found], "refused": _refused(refused)})
    else:
        for _, problem in found:
            typer.echo(str(problem))
        if loaded:
            typer.echo(f"{len(loaded)} checked, {sum(p.level is not Level.NOTE for _, p in found)} to mend", err=True)
    _leave(refused, stopped=any(p.level is not Level.NOTE for _, p in found))


@policy_app.command("test")
def test_policies(
    policies: Policies,
    junit: Annotated[Path | None, option("--junit", metavar="FILE", help="Write the results as JUnit XML.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the `tests:` of policies.

    Exit code 1 where a test fails or cannot be run, or none could be; 2 where a policy cannot be loaded.
    """
    from wardround.policies.testing import junit_xml

    loaded, refused = _load(policies)
    reports = _run(loaded)
    if junit is not None:
        _write(junit, junit_xml(reports, refused))
    if as_json:
        print_json({"policies": [_report(r) for r in reports], "refused": _refused(refused)})
    else:
        for report in reports:
            _print_report(report)
    _leave(refused, stopped=not all(r.ok for r in reports))


@policy_app.command("show")
def show_policy(
    policy: OnePolicy,
    tests: Annotated[bool, option("--tests", help="Show the tests as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the merged policy, each line with the file and line it comes from."""
    from wardround.policies.load import load_policy
    from wardround.policies.show import render, show_values

    loaded = load_policy(policy)
    if as_json:
        values = show_values(loaded, with_tests=tests)
        shown = [{"path": v.path, "value": v.value, "origin": v.origin} for v in values]
        print_json({"policy": loaded.name, "version": loaded.version, "digest": loaded.digest, "values": shown})
        return
    typer.echo(f"# {loaded.name} version {loaded.version}, {loaded.digest}")
    typer.echo(render(loaded, with_tests=tests))


@policy_app.command("schema")
def show_schema(as_json: AsJson = False) -> None:
    """Print the JSON Schema of policy files, for editors; it is JSON with or without `--json`."""
    from wardround.policies.document import json_schema

    print_json(json_schema())


def load_judge() -> Judge | None:
    """What lets the agents look at a test's request; None where this installation has no agents for it."""
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec("wardround.agents.judge") is None:
        return None
    judge: Judge = import_module("wardround.agents.judge").judge_case
    return judge


def validator_installed(name: str) -> bool:
    """Whether a validator can be run: our own detectors by file, others by their guardrails package. Imports none."""
    from importlib.util import find_spec

    module = name.rpartition("/")[2].replace("-", "_")
    if name.startswith("wardround/"):
        places = ("safety", "knowledge", "interactions")
        return any(find_spec(f"wardround.agents.{place}.{module}") is not None for place in places)
    package = "_".join(name.replace("-", "_").split("/"))
    return find_spec(f"{package.replace('guardrails_', 'guardrails_grhub_', 1)}") is not None


def _load(names: Sequence[str]) -> tuple[list[tuple[str, Policy]], list[tuple[str, str]]]:
    """What loads, and why the others do not: one broken file does not hide what is wrong with the next."""
    from wardround.policies.errors import PolicyError
    from wardround.policies.load import load_policy

    loaded: list[tuple[str, Policy]] = []
    refused: list[tuple[str, str]] = []
    for name in names:
        try:
            loaded.append((name, load_policy(name)))
        except PolicyError as error:
            refused.append((name, str(error)))
    return loaded, refused


def _leave(refused: Sequence[tuple[str, str]], *, stopped: bool) -> None:
    for _, problem in refused:
        typer.echo(f"wardround: {problem}", err=True)
    if refused or stopped:
        raise typer.Exit(EXIT_BAD_INPUT if refused else EXIT_STOPPED)


def _run(loaded: Sequence[tuple[str, Policy]]) -> list[Report]:
    import asyncio

    from wardround.policies.testing import run_tests

    needs_agents = any(t.findings is None and t.skip is None for _, p in loaded for t in p.document.tests)
    judge = load_judge() if needs_agents else None

    async def run_all() -> list[Report]:
        return [await run_tests(policy, name, judge) for name, policy in loaded]

    return asyncio.run(run_all())


def _write(path: Path, text: str) -> None:
    from wardround.policies.errors import InputError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"--junit {path}: cannot be written: {error.strerror or type(error).__name__}") from error


def _print_report(report: Report) -> None:
    from wardround.policies.testing import Status

    for result in report.results:
        if result.status is not Status.PASS:
            typer.echo(f"{result.status.upper():<5} {result.name} ({result.where})")
            for line in result.lines:
                typer.echo(f"      {line}")
    for rule in report.uncovered:
        typer.echo(f"NOTE  rule {rule} fired in no test")
    counts = ", ".join(f"{report.count(s)} {word}" for s, word in _counted() if report.count(s) or s is Status.PASS)
    typer.echo(f"{report.source}: {counts}" if report.results else f"{report.source}: there are no tests")


def _counted() -> list[tuple[Any, str]]:
    from wardround.policies.testing import Status

    return [(Status.PASS, "passed"), (Status.FAIL, "failed"), (Status.ERROR, "in error"), (Status.SKIP, "skipped")]


def _problem(policy: str, problem: Problem) -> dict[str, Any]:
    return {
        "policy": policy,
        "level": problem.level,
        "code": problem.code,
        "file": problem.where.source,
        "line": problem.where.line,
        "message": problem.message,
    }


def _refused(refused: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"policy": name, "message": problem} for name, problem in refused]


def _report(report: Report) -> dict[str, Any]:
    return {
        "policy": report.policy,
        "source": report.source,
        "ok": report.ok,
        "tests": [_result(r) for r in report.results],
        "uncovered_rules": list(report.uncovered),
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "status": result.status,
        "file": result.where.source,
        "line": result.where.line,
        "lines": list(result.lines),
        "fired": list(result.fired),
    }
