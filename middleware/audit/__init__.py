"""The audit log as values: events, sealed records, the hash chain, export. Needs neither the store nor the agents."""

from .chain import Problem, Trouble, seal, verify
from .export import head_line, read_line, record_line
from .record import GENESIS, Event, Head, Record, digest, microseconds

__all__ = [
    "GENESIS",
    "Event",
    "Head",
    "Problem",
    "Record",
    "Trouble",
    "digest",
    "head_line",
    "microseconds",
    "read_line",
    "record_line",
    "seal",
    "verify",
]
