"""One line of the audit log: the event as told, the record as sealed. How records hang together lives in `chain`."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

import orjson

from wardround.policies.errors import AuditError

GENESIS = bytes(32)
"""What the first record of a stream has for a predecessor's hash."""

_DOMAIN = b"wardround.audit.v1\0"
_LAYOUT = struct.Struct(">IIqIIqQ")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a round. Its payload is fixed when it is made: later changes to `data` are not seen.

    Raises `AuditError` where `data` is not JSON, `at` carries no time zone, or a name cannot be stored.
    """

    round_id: str
    """The round it belongs to."""
    kind: str
    """What happened: `opened`, `drafted`, `decided`, `held`, `released`."""
    at: datetime
    """When, with a time zone."""
    data: InitVar[Mapping[str, object]]
    """Everything an investigator needs; JSON values with text keys."""
    payload: bytes = field(init=False)
    """Canonical JSON of `data`: keys sorted, no blanks, UTF-8."""

    def __post_init__(self, data: Mapping[str, object]) -> None:
        if self.at.tzinfo is None:
            raise AuditError("An audit event carries a time without a time zone: give an aware datetime.")
        for name in (self.round_id, self.kind):
            if not name or "\0" in name or not name.isprintable():
                raise AuditError("An audit event needs a printable round id and kind.")
        object.__setattr__(self, "payload", _canonical(self.kind, data))


def _canonical(kind: str, data: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(dict(data), option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError) as error:
        raise AuditError(f"The data of an audit event of kind '{kind}' is not JSON: {type(error).__name__}.") from None


class Head(NamedTuple):
    """The end of a stream."""

    stream: str
    """Name of the stream."""
    seq: int
    """Number of its last record; 0 where it has none."""
    hash: bytes
    """Hash of its last record; `GENESIS` where it has none."""


class Record(NamedTuple):
    """One sealed event. `hash` covers every other field, so that a change of any byte of any of them shows."""

    stream: str
    """The chain it belongs to."""
    seq: int
    """Its number in the stream, from 1, without gaps."""
    round_id: str
    """The round it belongs to."""
    kind: str
    """What happened."""
    at_us: int
    """When: microseconds since 1970-01-01 UTC."""
    payload: bytes
    """Canonical JSON, byte for byte as it was hashed."""
    prev_hash: bytes
    """Hash of the record before it."""
    hash: bytes
    """SHA-256 over all fields above."""

    @property
    def at(self) -> datetime:
        """When. Raises `AuditError` on a damaged value."""
        try:
            return _EPOCH + timedelta(microseconds=self.at_us)
        except OverflowError:
            raise AuditError(f"Record {self.seq} of stream '{self.stream}' carries a damaged time.") from None

    @property
    def data(self) -> Mapping[str, object]:
        """The payload, parsed. Raises `AuditError` on a damaged one."""
        try:
            parsed = orjson.loads(self.payload)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise AuditError(f"Record {self.seq} of stream '{self.stream}' carries a damaged payload.")
        return parsed  # pyright: ignore[reportUnknownVariableType]  # JSON: orjson gives text keys only


def microseconds(at: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exact."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def digest(record: Record) -> bytes:
    """SHA-256 over all fields of a record but its own hash.

    A fixed-size header carries the length of each field that varies, so that no two records share an encoding.
    """
    stream, seq, round_id, kind, at_us, payload, prev_hash, _ = record
    s, r, k = stream.encode(), round_id.encode(), kind.encode()
    header = _LAYOUT.pack(len(prev_hash), len(s), seq, len(r), len(k), at_us, len(payload))
    return sha256(b"".join((_DOMAIN, header, prev_hash, s, r, k, payload))).digest()
