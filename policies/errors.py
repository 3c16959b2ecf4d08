"""Every error Wardround raises on purpose. A message says what, where and how to mend it, on one line."""

from __future__ import annotations


class WardroundError(Exception):
    """Root of all errors that are meant for a person; never carries PHI."""


class InputError(WardroundError):
    """A request, batch line or command argument that cannot be used as given."""


class PolicyError(WardroundError):
    """A policy that cannot be loaded, or a rule that cannot be evaluated."""


class SettingsError(WardroundError):
    """A setting of the operator that is unknown, of the wrong type or contradicts another."""


class UpstreamError(WardroundError):
    """The upstream model answered with an error, or not at all."""

    def __init__(
        self, message: str, *, status: int = 502, body: bytes | None = None, retry_after: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status to answer with: the upstream's own, 502 where none came, 504 on a timeout."""
        self.body = body
        """The upstream's error body, passed on untouched; None where there was none."""
        self.retry_after = retry_after
        """The upstream's Retry-After header, passed on untouched."""


class StoreError(WardroundError):
    """The database could not be reached or refused a write; nothing may be released."""


class ConflictError(WardroundError):
    """Someone else was first: the hold is already decided or claimed."""


class AuditError(WardroundError):
    """The audit log is damaged, or a record cannot be read."""
