"""One request or draft taken through the round for `check` and `batch`, told in the shape of a batch line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from wardround.policies.errors import InputError

if TYPE_CHECKING:
    from wardround.policies.request import RoundRequest

    from ..rounds import Closed
    from ..service import Service

Result: TypeAlias = dict[str, Any]
"""`{"id", "round_id", "action", "rules", "findings", "answer", "receipt", "error"}`."""


def parse_request(raw: Mapping[str, Any]) -> RoundRequest:
    """The request of a batch line. Raises `InputError` naming the field; never quotes a value."""
    from ..wire import chat

    draft = raw.get("draft")
    if draft is not None and not isinstance(draft, str):
        raise InputError("draft: expected a string or null")
    about = {k: raw[k] for k in ("audience", "language", "patient", "evidence") if raw.get(k) is not None}
    try:
        request, _, _ = chat.parse({"messages": raw.get("messages"), "wardround": about})
    except InputError as error:
        raise InputError(str(error).removeprefix("wardround.")) from error
    return request.model_copy(update={"draft": draft})


async def judge(
    service: Service, request: RoundRequest, *, application: str, messages: Any = None, model: str = ""
) -> Closed:
    """Run the round under the operator's policy; without a draft the drafting agent writes one from `messages`."""
    from ..rounds import Incoming

    body = {} if request.draft is not None else {"model": model, "messages": messages}
    incoming = Incoming(
        request=request, body=body, application=application, policy=service.settings.policy, model=model
    )
    return await service.rounds.run(incoming)


def result_of(line_id: object, closed: Closed) -> Result:
    """A finished round as a line of batch output."""
    from ..account import released_texts

    texts = released_texts(closed.state, closed.outcome)
    return {
        "id": line_id,
        "round_id": closed.round_id,
        "action": closed.about["action"],
        "rules": closed.about["rules"],
        "findings": closed.about["findings"],
        "answer": texts[0] if texts else None,
        "receipt": closed.about["receipt"],
        "error": None,
    }


def failed(line_id: object, error: str) -> Result:
    """A line that could not be judged."""
    return {
        "id": line_id,
        "round_id": None,
        "action": None,
        "rules": [],
        "findings": [],
        "answer": None,
        "receipt": None,
        "error": error,
    }
