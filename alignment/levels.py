"""What the rules alone say of a labelled text, for the heads are calibrated together with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wardround.agents.safety.crisis import CrisisDetector
from wardround.agents.safety.detector import Detector
from wardround.agents.safety.emergency import EmergencyDetector, sends_to_care
from wardround.agents.safety.harmful import HarmfulRequestDetector
from wardround.agents.safety.injection import InjectionDetector
from wardround.agents.safety.unsafe_advice import UnsafeAdviceDetector
from wardround.policies.finding import Finding
from wardround.policies.request import Case, Evidence, Message, RoundRequest, Task

RULES: dict[str, Callable[[], Detector]] = {
    "crisis": CrisisDetector,
    "harmful": HarmfulRequestDetector,
    "injection": InjectionDetector,
    "smuggled": InjectionDetector,
    "emergency": EmergencyDetector,
    "unsafe": UnsafeAdviceDetector,
    "messaging": CrisisDetector,
}
"""Head to the detector whose rules stand beside it."""
DRAFTS = frozenset({"care", "unsafe", "messaging"})
"""Heads that read drafts."""
ANSWER = "Thank you for the question."
"""A draft that sends nobody to care, for the rules that look at a request and a draft together."""


def level(head: str, text: str) -> str:
    """The strongest severity that the rules find, or `none`."""
    if head == "care":
        return "major" if sends_to_care(text) else "none"
    detector = RULES[head]()
    case = case_of(head, text)
    return _strongest(detector.check(case) if case.draft is not None else detector.screen(case))


def case_of(head: str, text: str) -> Case:
    """A case in which the text stands where the head would read it."""
    asked = text if head in {"crisis", "harmful", "injection", "emergency"} else "Please answer."
    evidence = (Evidence(id="a", text=text),) if head == "smuggled" else ()
    request = RoundRequest(messages=(Message(role="user", text=asked),), evidence=evidence)
    draft = text if head in DRAFTS else ANSWER if head == "emergency" else None
    return Case(request=request, audience=None, language="und", task=Task.OTHER, draft=draft)


def _strongest(found: Iterable[Finding]) -> str:
    best = max((f.severity for f in found), key=lambda s: s.rank, default=None)
    return best.value if best else "none"
