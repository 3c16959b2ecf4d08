"""Records as lines of JSON, byte-exact both ways: what a bundle carries and what is verified without the database."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wardround.policies.errors import AuditError

from .record import Head, Record

_I64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _RecordLine(_Line):
    stream: str
    seq: _I64
    round_id: str
    kind: str
    at_us: _I64
    payload: str | None = None
    payload_base64: str | None = None
    prev_hash: str
    hash: str


class _HeadLine(_Line):
    head: str
    seq: _I64
    hash: str


def record_line(record: Record) -> bytes:
    """One record as a line of JSON without the line feed. The payload is text, so that no parser can reshape it;
    one that is not UTF-8, and so damaged, goes as base64."""
    fields = record._asdict() | {"prev_hash": record.prev_hash.hex(), "hash": record.hash.hex()}
    try:
        fields["payload"] = record.payload.decode()
    except UnicodeDecodeError:
        del fields["payload"]
        fields["payload_base64"] = b64encode(record.payload).decode()
    return orjson.dumps(fields)


def head_line(head: Head) -> bytes:
    """The end of a stream as a line of JSON without the line feed."""
    return orjson.dumps({"head": head.stream, "seq": head.seq, "hash": head.hash.hex()})


def read_line(line: bytes) -> Record | Head:
    """The record or head of one line. Raises `AuditError` where it is neither."""
    try:
        if b'"head":' in line[:10]:
            found = _HeadLine.model_validate_json(line)
            return Head(found.head, found.seq, bytes.fromhex(found.hash))
        return _record(_RecordLine.model_validate_json(line))
    except (ValidationError, ValueError):
        raise AuditError("A line of the export is neither a record nor a head: the file is damaged.") from None


def _record(found: _RecordLine) -> Record:
    payload = b64decode(found.payload_base64) if found.payload_base64 else (found.payload or "").encode()
    return Record(
        found.stream, found.seq, found.round_id, found.kind, found.at_us, payload,
        bytes.fromhex(found.prev_hash), bytes.fromhex(found.hash),
    )  # fmt: skip
