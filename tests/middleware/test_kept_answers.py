"""Answers of which sentences are left out, marked or cited, whole and streamed: what a client gets, and never gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from wardround.agents.ports import Report, Specialist, Support
from wardround.policies.finding import Citation, Finding, FindingKind, Severity, Span
from wardround.policies.load import load_policy
from wardround.policies.request import Case

Start = Callable[..., str]
DROP = """
  - id: claim-contradicted
    then: redact
  - id: claim-unsupported
    then: redact
    how: soften
"""
NOTE = load_policy("wardround/default").message("left_out", "en") or ""
MARK = load_policy("wardround/default").message("softened", "en") or ""


@pytest.fixture
def policy(tmp_path: Path) -> Callable[..., str]:
    """Writes a policy that extends the default one; returns its path."""

    def write(rules: str = "", more: str = "") -> str:
        file = tmp_path / "kept.yaml"
        listed = f"rules:{rules}" if rules else ""
        file.write_text(f"policy: kept\nversion: 1\nextends: [wardround/default]\n{listed}\n{more}\n")
        return str(file)

    return write


def ask(url: str, text: str, **more: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    answer: dict[str, Any] = httpx.post(f"{url}/chat/completions", json=body, timeout=60).json()
    return answer


def said(answer: Mapping[str, Any], choice: int = 0) -> str:
    return str(answer["choices"][choice]["message"]["content"])


def stream(url: str, text: str, **more: Any) -> tuple[dict[int, str], dict[str, Any], str]:
    """(text of each choice, the wardround object, all bytes before that)."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": text}], **more}
    raw = httpx.post(f"{url}/chat/completions", json=body, timeout=60).text
    frames = [f.removeprefix("data: ") for f in raw.split("\n\n") if f.startswith("data: {")]
    chunks = [json.loads(f) for f in frames]
    texts: dict[int, str] = {}
    for choice in (c for chunk in chunks for c in chunk["choices"]):
        texts[choice["index"]] = texts.get(choice["index"], "") + (choice["delta"].get("content") or "")
    assert all(c["choices"][0]["finish_reason"] != "stop" or "[DONE]" in raw for c in chunks if c["choices"])
    return texts, chunks[-1]["wardround"], raw


ANSWER = "Drink plenty of water. The WRONG tablet cures it. Rest in bed today."


def test_a_sentence_that_the_evidence_denies_is_left_out_and_the_answer_says_so(
    upstream: Any, start_proxy: Start, policy: Callable[..., str]
) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP))
    answer = ask(url, ANSWER, n=2)
    about = answer["wardround"]
    row = httpx.get(f"{url}/rounds/{about['round_id']}").json()

    assert [said(answer, i) for i in (0, 1)] == [f"Drink plenty of water. Rest in bed today.\n\n{NOTE}"] * 2
    assert (about["action"], about["status"]) == ("redact", "released")
    assert row["answers"] == [said(answer, 0)] * 2
    assert "WRONG" not in json.dumps(answer) + json.dumps(row)
    assert [f["span"]["start"] for f in about["findings"]] == [ANSWER.index("WRONG")] * 2


def test_one_without_a_source_stays_with_a_remark_and_an_identifier_goes_besides(
    upstream: Any, start_proxy: Start, policy: Callable[..., str]
) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP))
    text = "Drink water. It is UNSURE whether tea helps. Call 555-0100 today."
    softened = ask(url, text)
    both = ask(url, f"{text} The WRONG number is 555-0100 here.")

    assert said(softened) == f"Drink water. It is UNSURE whether tea helps. {MARK} Call [555-0100] today."
    assert said(both) == f"{said(softened)}\n\n{NOTE}"


def test_where_nothing_of_substance_is_left_a_person_looks(
    upstream: Any, start_proxy: Start, policy: Callable[..., str]
) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP))
    answer = ask(url, "I hope this helps! The WRONG tablet cures it.")
    texts, about, raw = stream(url, "Side effects include:\n\n- The WRONG tablet cures it.")

    assert answer["wardround"]["status"] == about["status"] == "pending_review"
    assert answer["wardround"]["action"] == "escalate"
    assert "WRONG" not in said(answer) + raw
    assert "Side effects" not in texts[0]


@pytest.mark.parametrize("beside", [{"reasoning_content": "So: the WRONG tablet  cures it"}, {"refusal": "x"}])
def test_what_was_left_out_does_not_leave_beside_the_answer(
    upstream: Any, start_proxy: Start, policy: Callable[..., str], beside: dict[str, Any]
) -> None:
    def message(_body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"role": "assistant", "content": ANSWER, **beside}

    upstream.message = message
    rules = DROP.replace("then: redact", "when: findings.exists(f, f.channel == 'draft')\n    then: redact", 1)
    answer = ask(start_proxy(upstream_url=upstream.url, policy=policy(rules)), "x")

    assert "WRONG" not in json.dumps(answer)
    assert answer["wardround"]["status"] == ("released" if "refusal" in beside else "pending_review")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stream_leaves_the_sentence_out_and_closes_with_the_note(
    upstream: Any, start_proxy: Start, policy: Callable[..., str], seed: int
) -> None:
    upstream.seed = seed
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP))
    text = (
        "Do this:\n\n1. Drink water.\n2. The WRONG tablet cures it.\n3. Call 555-0100 now.\n\nIt is UNSURE. Rest well."
    )
    texts, about, raw = stream(url, text, n=2)
    whole = ask(url, text)

    expected = f"Do this:\n\n1. Drink water.\n2. Call [555-0100] now.\n\nIt is UNSURE. {MARK} Rest well.\n\n{NOTE}"
    assert list(texts.values()) == [expected] * 2
    assert said(whole) == expected
    assert about["action"] == "redact"
    assert "WRONG" not in raw


@pytest.mark.parametrize(
    "end", ["The WRONG tablet cures it.", "The WRONG tablet cures it.\n", "Rest. A WRONG one it is"]
)
def test_the_note_reaches_a_stream_also_when_its_last_sentence_goes(
    upstream: Any, start_proxy: Start, policy: Callable[..., str], end: str
) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP))
    texts, about, raw = stream(url, f"Drink plenty of water. {end}")

    assert texts[0].startswith("Drink plenty of water.")
    assert texts[0].endswith(f"\n\n{NOTE}")
    assert about["status"] == "released"
    assert "WRONG" not in raw


def test_a_lead_in_waits_in_a_stream_for_an_item_that_stays(
    upstream: Any, start_proxy: Start, policy: Callable[..., str]
) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP))
    gone, _, _ = stream(url, "Rest in bed today.\n\n## More\n\nIt helps:\n\n- A WRONG tablet\n\nDrink plenty of water.")
    kept, _, _ = stream(url, "Rest in bed today.\n\nIt helps:\n\n- A WRONG tablet\n- Warm tea\n\nDrink water.")

    assert gone[0] == f"Rest in bed today.\n\n## More\n\nDrink plenty of water.\n\n{NOTE}"
    assert kept[0] == f"Rest in bed today.\n\nIt helps:\n\n- Warm tea\n\nDrink water.\n\n{NOTE}"


class Late:
    """Contradicts the first sentence only when the second has been seen, as more context may."""

    name = "knowledge"

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        return Report()

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        text = case.draft or ""
        if "second" not in text:
            return Report()
        span = Span(channel=case.draft_channel, start=0, end=5)
        kind = FindingKind.PHI if "person" in text else FindingKind.CLAIM_CONTRADICTED
        message = "The draft says otherwise."
        return Report((Finding(agent="knowledge", kind=kind, severity=Severity.MAJOR, message=message, span=span),))


@pytest.mark.parametrize("word", ["claim", "person"])
def test_what_has_left_in_a_stream_is_never_taken_back_and_a_person_looks(
    upstream: Any, start_proxy: Start, policy: Callable[..., str], watching: tuple[Specialist, ...], word: str
) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP), specialists=(Late(), *watching[1:]))
    texts, about, _ = stream(url, f"First {word} here. Now the second one. And a third one.")

    assert texts[0].startswith(f"First {word} here.\n\n")
    assert "second" not in texts[0]
    assert (about["status"], about["action"]) == ("pending_review", "escalate")


class Quoting:
    """Contradicts what is FALSE and doubts what is RISKY, and repeats the draft in what it says."""

    name = "knowledge"

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        return Report()

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        text, found = case.draft or "", list[Finding]()
        for word, kind in (("FALSE", FindingKind.CLAIM_CONTRADICTED), ("RISKY", FindingKind.CLAIM_UNSUPPORTED)):
            if (at := text.find(word)) >= 0:
                span = Span(channel=case.draft_channel, start=at, end=at + len(word))
                message = f"Not so: {text}"
                found.append(Finding(agent="k", kind=kind, severity=Severity.MINOR, message=message, span=span))
        return Report(tuple(found))


@pytest.mark.parametrize(
    ("text", "repeated"),
    [("Drink water. Take FALSE amounts of 500 mg.", False), ("Drink water. It is RISKY to run in the sun.", True)],
)
def test_the_messages_of_findings_do_not_repeat_what_was_left_out(
    upstream: Any,
    start_proxy: Start,
    policy: Callable[..., str],
    watching: tuple[Specialist, ...],
    text: str,
    repeated: bool,
) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy(DROP), specialists=(Quoting(), *watching[1:]))
    answer = ask(url, text)
    row = httpx.get(f"{url}/rounds/{answer['wardround']['round_id']}").json()

    for told in (answer["wardround"]["findings"], row["findings"]):
        assert (text in told[0]["message"]) == repeated
    assert ("500 mg" in json.dumps(answer) + json.dumps(row)) is False


REDACTS = "agents: {drafting: {max_revisions: 1, after_revisions: redact}}"


def test_after_the_last_redraft_what_is_still_wrong_can_be_left_out(
    upstream: Any, start_proxy: Start, policy: Callable[..., str]
) -> None:
    def answer_again(_body: Mapping[str, Any]) -> str:
        return ANSWER

    upstream.answer = answer_again
    url = start_proxy(upstream_url=upstream.url, policy=policy(more=REDACTS))
    answer = ask(url, "Why?")
    asked = len(upstream.asked)
    texts, about, _ = stream(url, "Why?")

    assert asked == 2
    assert said(answer) == texts[0] == f"Drink plenty of water. Rest in bed today.\n\n{NOTE}"
    assert answer["wardround"]["action"] == about["action"] == "redact"
    assert "claim-contradicted" in answer["wardround"]["rules"]


def test_it_is_held_as_before_where_another_fault_asks_for_a_redraft(
    upstream: Any, start_proxy: Start, policy: Callable[..., str]
) -> None:
    rule = "\n  - {id: always, when: 'draft.source == \"upstream\"', then: revise}\n"
    url = start_proxy(upstream_url=upstream.url, policy=policy(rule, REDACTS))

    assert ask(url, ANSWER)["wardround"]["status"] == "pending_review"


class Sourced:
    """Bears out every sentence about water or rest."""

    name = "knowledge"

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        return Report()

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        text, found = case.draft or "", list[Support]()
        for words, source, edition in (("Drink water.", "e1", "2024"), ("Rest well.", "e2", None)):
            if (at := text.find(words)) >= 0:
                span = Span(channel=case.draft_channel, start=at, end=at + len(words))
                found.append(Support(span, (Citation(source=source, locator="p. 1", edition=edition),), 0.9))
        return Report(supported=tuple(sorted(found, key=lambda s: s.span.start)))


CITED = "Call 555-0100 now. Rest well. Drink water."


@pytest.mark.parametrize("mode", ["structured", "inline", "none"])
def test_sources_come_beside_the_answer_in_it_or_not_at_all(
    upstream: Any, start_proxy: Start, policy: Callable[..., str], watching: tuple[Specialist, ...], mode: str
) -> None:
    file = policy(more=f"agents: {{knowledge: {{citations: {mode}}}}}")
    url = start_proxy(upstream_url=upstream.url, policy=file, specialists=(Sourced(), *watching[1:]))
    answer = ask(url, CITED)
    streamed, about, _ = stream(url, CITED)
    entries = answer["wardround"]["citations"]
    plain = "Call [555-0100] now. Rest well. Drink water."
    block = "\n\nSources\n- [1] e2, p. 1\n- [2] e1, p. 1, 2024"

    assert streamed[0] == plain
    assert said(answer) == (
        f"Call [555-0100] now. Rest well. [1] Drink water. [2]{block}" if mode == "inline" else plain
    )
    assert about["citations"] == [] if mode == "none" else len(about["citations"]) == 2
    assert [c["marker"] for e in entries for c in e["citations"]] == ([] if mode == "none" else [1, 2])
    for entry, words in zip(entries, ("Rest well.", "Drink water."), strict=False):
        assert CITED[entry["span"]["start"] : entry["span"]["end"]] == words
        assert said(answer)[entry["released_span"]["start"] : entry["released_span"]["end"]] == words
        assert set(entry["citations"][0]) >= {"source", "locator", "edition", "marker"}


def test_an_answer_that_goes_out_unchanged_needs_no_second_place(
    upstream: Any, start_proxy: Start, watching: tuple[Specialist, ...]
) -> None:
    answer = ask(start_proxy(upstream_url=upstream.url, specialists=(Sourced(), *watching[1:])), "Rest well. Ok then.")

    assert [sorted(e) for e in answer["wardround"]["citations"]] == [["citations", "confidence", "span"]]
