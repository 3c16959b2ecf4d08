"""Modality detector: parts of the request that are not text (images, audio, files) and that no detector can read."""

from __future__ import annotations

from collections.abc import Sequence

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from .detector import finding


class ModalityDetector:
    """Media that the deterministic checks cannot look into."""

    name = "modality"
    kind = FindingKind.MODALITY

    def screen(self, case: Case) -> Sequence[Finding]:
        """One finding for all kinds of media in the conversation."""
        kinds = sorted({kind for message in case.request.messages for kind in message.media})
        if not kinds:
            return []
        message = f"The request carries parts that no check can read: {', '.join(kinds)}. A person has to look at them."
        return [
            finding(
                FindingKind.MODALITY,
                Severity.MODERATE,
                message,
                subjects=kinds,
                confidence=1.0,
                code="modality.unread",
            )
        ]

    def check(self, case: Case) -> Sequence[Finding]:
        """Drafts are text."""
        del case
        return []
