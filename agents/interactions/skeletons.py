"""The consonants of a drug's name, in which `semaglutide` and its Hindi spelling are one. No names live here."""

from __future__ import annotations

import re

from .folding import script_fold

SHORTEST = 4
"""Consonants from which on two names with the same ones are the same name."""
_LATIN = (
    (re.compile(r"ph"), "f"), (re.compile(r"sch|sh"), "s"), (re.compile(r"c(?=[eiy])"), "s"), (re.compile(r"ch"), "k"),
    (re.compile(r"[cq]"), "k"), (re.compile(r"x"), "ks"), (re.compile(r"[zj]"), "s"), (re.compile(r"w"), "v"),
    (re.compile(r"m"), "n"), (re.compile(r"[^bdfgklnprstv]"), ""), (re.compile(r"(.)\1+"), r"\1"),
)  # fmt: skip
_HINDI = str.maketrans(
    dict(zip("कखगघचछजझटठडढतथदधनणपफबभमरलवशषस", "kkggssssttddttddnnpfbbnrlvsss", strict=True)) | {"\u0902": "n"}
)
_NO_CONSONANT = re.compile(r"[^a-z]")


def of_latin(folded: str) -> str:
    """The skeleton of a folded name in Latin letters."""
    for pattern, heard in _LATIN:
        folded = pattern.sub(heard, folded)
    return folded


def of_hindi(folded: str) -> str:
    """The skeleton of a name in Devanagari."""
    return re.sub(r"(.)\1+", r"\1", _NO_CONSONANT.sub("", script_fold(folded).translate(_HINDI)))
