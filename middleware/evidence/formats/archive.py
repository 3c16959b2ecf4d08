"""ZIP files, opened only after their declared sizes were looked at. What is read never exceeds those sizes."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from wardround.policies.errors import InputError

from .source import Source

MAX_RATIO = 200
"""Times smaller packed than unpacked; office files and JSON stay below 60, bombs are above 1,000."""
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What a damaged archive raises, on opening or while a member is read."""
_HARMLESS_BYTES = 8 * 2**20
"""Below this size a high ratio harms nobody: small files of one repeated letter exist."""
_MAX_MEMBERS = 10_000
_ENCRYPTED = 0x1


@contextmanager
def opened(source: Source) -> Generator[zipfile.ZipFile, None, None]:
    """The archive. Raises `InputError` where it is damaged, encrypted, or too large unpacked."""
    try:
        with source.opened() as stream, zipfile.ZipFile(stream) as archive:
            _check(archive.infolist(), source.max_bytes)
            yield archive
    except DAMAGE as error:
        raise InputError(f"damaged or cut short: {_reason(error)}; copy or download it again") from error


def _check(members: Sequence[zipfile.ZipInfo], max_bytes: int) -> None:
    unpacked = sum(m.file_size for m in members)
    packed = sum(m.compress_size for m in members)
    if unpacked > max_bytes:
        raise InputError(f"unpacks to {unpacked:,} bytes, more than the {max_bytes:,} allowed")
    if unpacked > _HARMLESS_BYTES and unpacked > MAX_RATIO * max(packed, 1):
        raise InputError(f"unpacks to {unpacked // max(packed, 1)} times its size, as a ZIP bomb does")
    if len(members) > _MAX_MEMBERS:
        raise InputError(f"holds {len(members):,} files, more than the {_MAX_MEMBERS:,} allowed")
    if any(m.flag_bits & _ENCRYPTED for m in members):
        raise InputError("is encrypted; save it without a password")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:1].lower() + text[1:] or type(error).__name__
