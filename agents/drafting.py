"""Where a draft comes from: the upstream, streamed or whole; a redraft with instructions; or the evidence alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wardround.policies.errors import PolicyError, UpstreamError
from wardround.policies.finding import Finding, Severity
from wardround.policies.request import ToolCall

from .assembly import asides, envelope_asides
from .context import RoundContext
from .gate import Gate
from .ports import ModelCall, ModelClient, Sink
from .pseudonyms import PseudonymousModel
from .state import Choice, Draft, RoundState, findings_of

NO_EVIDENCE = (
    "No language model is configured here, so I can answer only from evidence sent with the request, "
    "and none of it answers this question."
)


async def draft(state: RoundState, context: RoundContext) -> Draft:
    """The next draft: the first one, or a redraft with the findings or a reviewer's instructions.

    Raises `UpstreamError` when no model answers.
    """
    revision = len(state.get("drafts", ()))
    client = context.models.client
    if client is None or not context.models.can_draft(context.drafting):
        return _extractive(state, revision)
    if pseudonymous(context):
        client = PseudonymousModel(client)
    call = _call(state, context, _revised(state) if revision else state["body"])
    if context.sink is not None and revision == 0:
        return await _streamed(state, context, client, context.sink, call)
    answer = await client.complete(_whole(call))
    return Draft(revision, "upstream", choices_of(answer.body), answer.model, answer.body, attempts=answer.attempts)


def pseudonymous(context: RoundContext) -> bool:
    """Whether the policy keeps identifiers from the model: `agents: safety: pseudonyms: true`."""
    value = context.settings("safety").options.get("pseudonyms", False)
    if not isinstance(value, bool):
        raise PolicyError("agents.safety.pseudonyms must be true or false.")
    return value


def edited(state: RoundState, text: str) -> Draft:
    """The reviewer's own text as the next draft."""
    return Draft(len(state.get("drafts", ())), "reviewer", (Choice(index=0, text=text, finish_reason="stop"),))


def _extractive(state: RoundState, revision: int) -> Draft:
    from .knowledge.extractive import extract_answer

    request = state["request"]
    text = extract_answer(request.text, request.evidence or ()) or NO_EVIDENCE
    return Draft(revision, "extractive", (Choice(index=0, text=text, finish_reason="stop"),), model="extractive")


def _call(state: RoundState, context: RoundContext, body: Mapping[str, Any]) -> ModelCall:
    settings = context.drafting
    models = tuple(m for m in (settings.model, *settings.fallbacks) if m)
    if models and settings.model is None:
        models = (str(body.get("model", "")), *models)
    return ModelCall(body, models, settings.timeout_s, settings.retries, dict(context.headers))


def _whole(call: ModelCall) -> ModelCall:
    body = {k: v for k, v in call.body.items() if k not in {"stream", "stream_options"}}
    return ModelCall(body, call.models, call.timeout_s, call.retries, call.headers)


async def _streamed(state: RoundState, context: RoundContext, model: ModelClient, sink: Sink, call: ModelCall) -> Draft:
    stream = await model.stream(call)
    gate = Gate(state, context, sink, 0)
    stopped = False
    try:
        async for chunk in stream:
            if not await gate.feed(chunk):
                stopped = True
                break
    finally:
        await stream.aclose()
    if not (stopped or gate.assembly.finished):
        raise UpstreamError("the upstream ended its stream before the answer was complete")
    assembly = gate.assembly
    released = tuple((s.choice, s.upto) for s in gate.sent)
    return Draft(0, "upstream", assembly.choices(), stream.model, assembly.body(), released, sent=gate.sent)


def choices_of(body: Mapping[str, Any]) -> tuple[Choice, ...]:
    """The choices of a whole chat completion. Raises `UpstreamError` for a body that has none."""
    choices: list[Mapping[str, Any]] | None = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise UpstreamError("the upstream's answer has no choices")
    beside = tuple(ToolCall(id=k, name=k, arguments=t) for k, t in envelope_asides(body).items())
    return tuple(_choice(i, c, beside) for i, c in enumerate(choices))


def _choice(position: int, choice: Mapping[str, Any], beside: tuple[ToolCall, ...]) -> Choice:
    message: Mapping[str, Any] = choice.get("message") or {}
    content = message.get("content")
    return Choice(
        index=int(choice.get("index", position)),
        text=content if isinstance(content, str) else _parts(content),
        tool_calls=(*_tool_calls(message), *beside),
        finish_reason=choice.get("finish_reason"),
    )


def _parts(content: list[Any] | None) -> str:
    parts: list[Mapping[str, Any]] = [p for p in content or () if isinstance(p, Mapping)]
    return "\n".join(str(p.get("text", "")) for p in parts)


def _tool_calls(message: Mapping[str, Any]) -> list[ToolCall]:
    calls: list[Mapping[str, Any]] = list(message.get("tool_calls") or ())
    if message.get("function_call"):
        calls.append({"id": "function_call", "function": message["function_call"]})
    found = [
        ToolCall(
            id=str(call.get("id") or position),
            name=str(_function(call).get("name") or ""),
            arguments=str(_function(call).get("arguments") or _function(call).get("input") or ""),
        )
        for position, call in enumerate(calls)
    ]
    return [*found, *(ToolCall(id=k, name=k, arguments=t) for k, t in asides(message).items())]


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return call.get("function") or call.get("custom") or {}


def _revised(state: RoundState) -> Mapping[str, Any]:
    body = dict(state["body"])
    draft = state.get("draft")
    messages: list[Any] = list(body.get("messages") or ())
    if draft is not None and draft.choices and draft.choices[0].text:
        messages.append({"role": "assistant", "content": draft.choices[0].text})
    messages.append({"role": "user", "content": _instructions(state)})
    return body | {"messages": messages}


def _instructions(state: RoundState) -> str:
    review = state.get("review")
    if review is not None and review.verdict == "redraft":
        asked = f"- {review.text or 'Write a safer answer.'}"
    else:
        asked = "\n".join(_instruction(f) for f in findings_of(state) if f.severity.rank >= Severity.MODERATE.rank)
    return (
        "Your last answer was checked before release and may not go out as it is. Correct these points:\n"
        f"{asked}\n"
        "Write the whole answer again for the same reader, without mentioning this check. "
        "State nothing that the points above contradict, and say so where you do not know."
    )


def _instruction(finding: Finding) -> str:
    return f"- ({finding.severity}) {finding.message}"
