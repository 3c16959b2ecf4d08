"""Files made for a test, and what is read from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wardround.middleware.evidence import Document, Refused, read

Write = Callable[[str, "bytes | str"], Path]
"""Writes a file of that name."""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def documents() -> Callable[[Path], list[Document]]:
    """The documents of a file that must read without a refusal."""

    def found(path: Path) -> list[Document]:
        results = list(read(path))
        assert not [each for each in results if isinstance(each, Refused)]
        return [each for each in results if isinstance(each, Document)]

    return found
