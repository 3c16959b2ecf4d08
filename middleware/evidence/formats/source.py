"""Bytes that a reader reads, from a file or from within a record, and the shape of a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from wardround.policies.errors import InputError

from ..document import Document, Refused

NO_TEXT = "contains no text"
"""Why a document without words is refused."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be read, and what is known of it beforehand."""

    where: str
    """How it is named in messages."""
    name: str
    """File name; the key of a format that holds one document."""
    content: Path | bytes
    max_bytes: int
    """Most bytes it may unpack to."""
    media_type: str | None = None
    """Declared media type, without parameters; None for a file."""

    @property
    def suffix(self) -> str:
        """Suffix of the name, lower case, with its dot."""
        return Path(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        """The name without suffix: the title of a document that does not name itself."""
        return Path(self.name).stem or self.name

    def opened(self) -> BinaryIO:
        """The bytes as a seekable stream; close it. Raises `OSError`."""
        return BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    def data(self) -> bytes:
        """All bytes. Raises `InputError` where there are more than `max_bytes`, whatever the file's size said."""
        if isinstance(self.content, bytes):
            return self.content
        with self.opened() as stream:
            data = stream.read(self.max_bytes + 1)
        if len(data) > self.max_bytes:
            raise InputError(f"grew above {self.max_bytes:,} bytes while it was read")
        return data


Reader = Callable[[Source], Iterator[Document | Refused]]
"""Reads a source. Raises `InputError`, without the source's name, where nothing of it can be used."""
