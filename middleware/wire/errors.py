"""Errors in the shape of the OpenAI API."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from wardround.policies.errors import (
    ConflictError,
    InputError,
    PolicyError,
    StoreError,
    UpstreamError,
    WardroundError,
)

_KINDS: tuple[tuple[type[WardroundError], int, str, str], ...] = (
    (InputError, 400, "invalid_request_error", "invalid_request"),
    (PolicyError, 500, "server_error", "policy_error"),
    (ConflictError, 409, "invalid_request_error", "conflict"),
    (StoreError, 503, "server_error", "audit_unavailable"),
    (UpstreamError, 502, "server_error", "upstream_error"),
)


def error_body(message: str, kind: str, code: str, param: str | None = None) -> dict[str, Any]:
    """`{"error": {...}}` as OpenAI clients read it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def describe(error: Exception) -> tuple[int, dict[str, Any]]:
    """Status and body for an error; an unexpected one says only its class, never its text."""
    for known, status, kind, code in _KINDS:
        if isinstance(error, known):
            found = error.status if isinstance(error, UpstreamError) else status
            return found, error_body(str(error), kind, code)
    if isinstance(error, WardroundError):
        return 500, error_body(str(error), "server_error", "wardround_error")
    return 500, error_body(
        f"the round failed ({type(error).__name__}); nothing was released", "server_error", "internal_error"
    )


def respond(error: Exception, headers: dict[str, str] | None = None) -> Response:
    """The HTTP answer for an error; an upstream's own error passes with its status and body untouched."""
    headers = dict(headers or {})
    if isinstance(error, UpstreamError):
        if error.retry_after:
            headers["retry-after"] = error.retry_after
        if error.body is not None:
            return Response(error.body, error.status, headers, media_type="application/json")
    if isinstance(error, StoreError):
        headers["retry-after"] = "1"
    status, body = describe(error)
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
