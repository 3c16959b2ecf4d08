"""Who calls: an application by its API key, or anyone on this machine where the operator allows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wardround.policies.errors import WardroundError

from .settings import Settings
from .store.keys import Keys

KEY_PREFIX = "wr_"
KEY_HEADER = "x-wardround-key"
"""Alternative to `Authorization`, for applications whose `Authorization` belongs to the upstream."""
LOCAL = "local"
"""Name of the application that keyless requests count as."""


class AuthError(WardroundError):
    """The request carries no valid API key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated application."""

    application: str
    """Its name."""
    policy: str
    """The policy bound to its key."""
    may_choose: bool
    """Whether the request may name another built-in policy: only keyless callers on loopback."""
    upstream_authorization: str | None
    """The caller's own `Authorization`, to be passed on where the operator configured no key for the upstream."""


async def authenticate(headers: Mapping[str, str], settings: Settings, keys: Keys) -> Caller:
    """The caller of a request. Raises `AuthError` where a key is needed and none, or a wrong one, came."""
    authorization = headers.get("authorization", "")
    bearer = authorization[7:].strip() if authorization[:7].lower() == "bearer " else ""
    given = headers.get(KEY_HEADER) or (bearer if bearer.startswith(KEY_PREFIX) else "")
    if given:
        known = await keys.verify(given)
        if known is None:
            raise AuthError("the API key is unknown or revoked: make one with `wardround key create`")
        passed = authorization if headers.get(KEY_HEADER) and authorization else None
        return Caller(known.application, known.policy, may_choose=False, upstream_authorization=passed)
    if not settings.keyless:
        raise AuthError("an API key is needed: send it as `Authorization: Bearer wr_...`")
    return Caller(LOCAL, settings.policy, may_choose=True, upstream_authorization=authorization or None)
