"""Days as documents write them."""

from __future__ import annotations

import calendar
import re
from datetime import date

from wardround.policies.errors import InputError

_DAY = re.compile(r"(\d{4})(?:-?(\d{2})(?:-?(\d{2})(?:[T ].*)?)?)?")


def day(text: str, *, field: str = "date", is_last: bool = False) -> date:
    """`2024-01-31`, `20240131` or a time; of a month or year alone its first day, or its last. Raises `InputError`."""
    match = _DAY.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        year, month = int(match[1]), int(match[2] or (12 if is_last else 1))
        last = calendar.monthrange(year, month)[1] if year else 0
        return date(year, month, int(match[3] or (last if is_last else 1)))
    except (ValueError, calendar.IllegalMonthError) as error:
        raise InputError(f"{field}: expected a date such as 2024-01-31") from error


def day_or_none(text: str | None) -> date | None:
    """The same, None where it is missing or cannot be read: for what third parties wrote."""
    try:
        return day(text) if text else None
    except InputError:
        return None
