"""Raised figures as characters of their own: ten to the ninth must not read as 109."""

from __future__ import annotations

_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")


def raised(text: str) -> str:
    """The text with its figures and signs as superscript characters, where it begins with one; else as it came."""
    return text.translate(_RAISED) if text.strip()[:1] in set("0123456789+-−") else text
