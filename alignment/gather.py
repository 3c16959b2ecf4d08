"""All examples of all sources and of the project's own corpus, in one list."""

from __future__ import annotations

from pathlib import Path

from . import corpus, identifiers, sources
from .examples import Example, without_repeats


def everything(folder: Path) -> list[Example]:
    """The project's own texts first, then the data sets of `folder`; each text once."""
    own = (e for name in corpus.names() for e in corpus.examples(name))
    return without_repeats((*own, *identifiers.examples(), *sources.all_examples(folder)))
