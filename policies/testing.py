"""Running a policy's own tests: pass, fail, error and skip stay distinct. The agents come in from outside."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .decide import decide
from .decision import Decision
from .document import Agents, Test, Turn
from .errors import WardroundError
from .finding import Finding
from .load import Policy
from .request import Message, Patient, RoundRequest, Task
from .source import Mark, at, did_you_mean
from .variables import Facts


class Judge(Protocol):
    """Lets the agents look at a request, with its draft where it has one."""

    async def __call__(self, request: RoundRequest, settings: Agents, /) -> tuple[Finding, ...]: ...


class Status(StrEnum):
    """How a test ended."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    ERROR = "error"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Result:
    """One test."""

    name: str
    """The test's sentence."""
    where: Mark
    """Where it is written."""
    status: Status
    """How it ended."""
    lines: tuple[str, ...] = ()
    """What differs, or why it could not run."""
    fired: tuple[str, ...] = ()
    """Rules that fired, shadow rules included."""
    elapsed_s: float = 0.0
    """Time taken, seconds."""


@dataclass(frozen=True, slots=True)
class Report:
    """The tests of one policy."""

    policy: str
    """Its name."""
    source: str
    """The name or path it was loaded by."""
    results: tuple[Result, ...]
    """One for each test, in order."""
    uncovered: tuple[str, ...]
    """Rules of the policy's own file that fired in no test."""

    def count(self, status: Status) -> int:
        """How many tests ended so."""
        return sum(r.status is status for r in self.results)

    @property
    def ok(self) -> bool:
        """No test failed or could not be run; there was at least one, and not all were skipped."""
        return self.count(Status.PASS) > 0 and not self.count(Status.FAIL) and not self.count(Status.ERROR)


async def run_tests(policy: Policy, source: str, judge: Judge | None = None) -> Report:
    """Run the `tests:` of a policy's own file. Without `judge`, tests without given findings are skipped."""
    results = tuple([await _run(policy, test, i, judge) for i, test in enumerate(policy.document.tests)])
    fired = {rule for r in results for rule in r.fired}
    own = policy.merged.mark.source
    uncovered = tuple(r.id for r in policy.rules if r.origin.source == own and r.id not in fired)
    return Report(policy.name, source, results, uncovered)


async def _run(policy: Policy, test: Test, i: int, judge: Judge | None) -> Result:
    where = at(policy.merged, ("tests", i)).mark
    started = time.perf_counter()
    if test.skip is not None:
        return Result(test.name, where, Status.SKIP, (test.skip,))
    if misspelt := _misspelt(policy, test):
        return Result(test.name, where, Status.ERROR, misspelt)
    if test.findings is None and judge is None:
        return Result(test.name, where, Status.SKIP, ("needs the agents; give it findings to run without them",))
    try:
        findings = test.findings if test.findings is not None else await _judged(policy, test, judge)
    except WardroundError as error:
        return Result(test.name, where, Status.ERROR, (str(error),))
    except Exception as error:  # noqa: BLE001 - whatever an agent raises is this test's error, not the run's
        return Result(test.name, where, Status.ERROR, (f"the agents failed: {type(error).__name__}",))
    decision = decide(policy, _facts(test), findings)
    lines = _differences(policy, test, decision, findings)
    fired = tuple(r.id for r in decision.rules if r.fired)
    status = Status.FAIL if lines else Status.PASS
    return Result(test.name, where, status, lines, fired, time.perf_counter() - started)


async def _judged(policy: Policy, test: Test, judge: Judge | None) -> tuple[Finding, ...]:
    if judge is None:
        raise WardroundError("the agents are not at hand")
    return await judge(request_of(test), policy.document.agents)


def request_of(test: Test) -> RoundRequest:
    """The request that a test describes."""
    turns = (Turn(role="user", content=test.request),) if isinstance(test.request, str) else test.request
    return RoundRequest(
        messages=tuple(Message(role=t.role, text=t.content) for t in turns),
        draft=test.draft,
        audience=test.audience,
        language=test.language,
        patient=test.patient,
        evidence=test.evidence,
    )


def _facts(test: Test) -> Facts:
    request = request_of(test)
    return Facts(
        text=request.text,
        turns=len(request.messages),
        evidence=len(request.evidence or ()),
        tool_results=sum(m.role == "tool" for m in request.messages),
        patient=request.patient or Patient(),
        audience=test.audience,
        language=test.language or "en",
        task=test.task or Task.OTHER,
        draft=test.draft,
        source="none" if test.draft is None else test.source,
    )


def expected_rules(test: Test) -> tuple[str, ...]:
    """Rules that must fire."""
    return tuple(dict.fromkeys((*([test.expect.rule] if test.expect.rule else []), *test.expect.rules)))


def refused_rules(test: Test) -> tuple[str, ...]:
    """Rules that must not fire."""
    named = test.expect.not_rule
    return (named,) if isinstance(named, str) else named or ()


def _misspelt(policy: Policy, test: Test) -> tuple[str, ...]:
    """A misspelt rule in `not_rule` would pass for ever: refuse it. An expectation of nothing likewise."""
    expect, document = test.expect, policy.document
    if not expect.model_fields_set:
        return ("expects nothing; name an action, a rule, a queue or a message",)
    ids = [r.id for r in document.rules]
    lines = [
        f"unknown rule {r!r}{did_you_mean(r, ids)}"
        for r in (*expected_rules(test), *refused_rules(test))
        if r not in ids
    ]
    if expect.queue is not None and expect.queue not in document.queues:
        lines.append(f"unknown queue {expect.queue!r}{did_you_mean(expect.queue, document.queues)}")
    if expect.message is not None and expect.message not in document.messages:
        lines.append(f"unknown message {expect.message!r}{did_you_mean(expect.message, document.messages)}")
    return tuple(lines)


def _differences(policy: Policy, test: Test, decision: Decision, findings: Sequence[Finding]) -> tuple[str, ...]:
    expect = test.expect
    fired = {r.id for r in decision.rules if r.fired}
    lines: list[str] = []
    if expect.action is not None and expect.action is not decision.action:
        lines.append(f"action   expected {expect.action}, got {decision.action}")
    lines += [f"rule     expected {r} to fire, it did not" for r in expected_rules(test) if r not in fired]
    lines += [f"rule     expected {r} not to fire, it did" for r in refused_rules(test) if r in fired]
    if expect.queue is not None and expect.queue != decision.queue:
        lines.append(f"queue    expected {expect.queue}, got {decision.queue or 'none'}")
    if expect.message is not None and decision.message != policy.message(expect.message, test.language or "en"):
        lines.append(f"message  expected {expect.message!r}, got {_message_name(policy, test, decision)}")
    return (*lines, *_seen(decision, findings)) if lines else ()


def _message_name(policy: Policy, test: Test, decision: Decision) -> str:
    if decision.message is None:
        return "none"
    names = (n for n in policy.document.messages if policy.message(n, test.language or "en") == decision.message)
    return repr(next(names, "another text"))


def _seen(decision: Decision, findings: Sequence[Finding]) -> list[str]:
    """What did happen, below what was expected."""
    lines = [
        f"fired    {r.id} -> {r.action}{' (shadow)' if r.shadow else ''}"
        + (f" on findings {', '.join(str(n + 1) for n in r.findings)}" if r.findings else "")
        + (f"; {r.error}" if r.error else "")
        for r in decision.rules
        if r.fired
    ] or ["fired    no rule"]
    lines += [
        f"found {n:>2} {f.kind} {f.severity} {', '.join(f.subjects) or f.code or ''}".rstrip()
        for n, f in enumerate(findings, 1)
    ] or ["found    nothing"]
    return lines


def junit_xml(reports: Sequence[Report], refused: Sequence[tuple[str, str]] = ()) -> str:
    """JUnit XML of several policies, one suite each; a policy that cannot be loaded is a suite with one error."""
    root = ET.Element("testsuites")
    for report in reports:
        suite = ET.SubElement(root, "testsuite", _suite_attributes(report))
        for result in report.results:
            case = ET.SubElement(
                suite, "testcase", name=_xml(result.name), classname=_xml(report.policy), time=f"{result.elapsed_s:.6f}"
            )
            case.set("file", _xml(result.where.source))
            case.set("line", str(result.where.line))
            _add_outcome(case, result)
    for source, problem in refused:
        counts = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0", "time": "0"}
        suite = ET.SubElement(root, "testsuite", {"name": _xml(source), **counts})
        case = ET.SubElement(suite, "testcase", name="the policy can be loaded", classname=_xml(source), time="0")
        ET.SubElement(case, "error", message=_xml(problem)).text = _xml(problem)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite_attributes(report: Report) -> dict[str, str]:
    return {
        "name": _xml(report.source),
        "tests": str(len(report.results)),
        "failures": str(report.count(Status.FAIL)),
        "errors": str(report.count(Status.ERROR)),
        "skipped": str(report.count(Status.SKIP)),
        "time": f"{sum(r.elapsed_s for r in report.results):.6f}",
    }


def _add_outcome(case: ET.Element, result: Result) -> None:
    tags = {Status.FAIL: "failure", Status.ERROR: "error", Status.SKIP: "skipped"}
    tag = tags.get(result.status)
    if tag is not None:
        element = ET.SubElement(case, tag, message=_xml(result.lines[0] if result.lines else str(result.status)))
        element.text = _xml("\n".join(result.lines))


def _xml(text: str) -> str:
    """Text without the control characters that XML 1.0 cannot hold."""
    return "".join(c if c >= " " or c in "\t\n" else "\ufffd" for c in text)
