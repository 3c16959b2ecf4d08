"""Where a name begins and ends in a text: word edges in scripts with and without spaces, inflection, compounds."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHORTEST_STEM = 5
"""Letters from which on a name may be inflected, be part of a compound, or stand against a number."""
_INFLECTED = r"(?:'?e?s|'n|en|n|e)"


class Edges:
    """Judges whether a stretch of text is a whole word. `compounds`: heads that may follow a name in one word."""

    def __init__(self, compounds: Iterable[str]) -> None:
        heads = "|".join(sorted((re.escape(c) for c in compounds), key=len, reverse=True)) or "(?!)"
        self._behind = re.compile(
            rf"(?:{_INFLECTED}(?![^\W_])|[sn]?(?:{heads})(?:{_INFLECTED})?(?![^\W_])|\d+(?:[.,]\d+)?[a-z]{{0,4}}(?![^\W_]))"
        )
        self._plural = re.compile(r"s(?![^\W_])")

    def whole(self, plain: str, start: int, end: int) -> bool:
        """True where the folded text has a word, or a row of words, from `start` to `end`."""
        return self._begins(plain, start) and self._ends(plain, start, end)

    def _begins(self, plain: str, start: int) -> bool:
        return start == 0 or not _joined(plain[start - 1], plain[start])

    def _ends(self, plain: str, start: int, end: int) -> bool:
        if end == len(plain) or not _joined(plain[end], plain[end - 1]):
            return True
        if not plain[end - 1].isascii():
            return False
        if end - start >= _SHORTEST_STEM and plain[end - 1].isalpha():
            return self._behind.match(plain, end) is not None
        return self._plural.match(plain, end) is not None


def _joined(outer: str, inner: str) -> bool:
    """True where the character outside of a name would make it part of a longer word."""
    if outer.isascii() and inner.isascii():
        return outer.isalnum()
    return not (_is_han(outer) or _is_han(inner)) and (outer.isalnum() or "\u0900" <= outer <= "\u0963")


def _is_han(char: str) -> bool:
    """Chinese is written without spaces: any character may begin or end a word."""
    return "\u3000" <= char <= "\u9fff" or char >= "\uf900"
