"""JSON columns. They are `json`, not `jsonb`: an answer comes back key for key as it went in."""

from __future__ import annotations

import orjson

from wardround.policies.errors import StoreError


def json_text(value: object) -> str:
    """The text of a JSON column. Raises `StoreError` where the value is not JSON."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise StoreError(f"A value cannot be kept as JSON: {type(error).__name__}.") from None
