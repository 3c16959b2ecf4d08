"""Waiting for a person: the interrupt of a held round, and which way a decision sends it."""

from __future__ import annotations

from typing import Literal

from langgraph.types import interrupt

from wardround.policies.errors import InputError

from .state import Review, RoundState

Verdict = Literal["approve", "edit", "reject", "redraft"]


def wait_for_person(state: RoundState) -> Review:
    """Stop the round here, durably; returns the decision when the round is resumed."""
    decision = interrupt({"round_id": state["round_id"]})
    return decision if isinstance(decision, Review) else Review(**decision)


def refuse_impossible(review: Review, *, has_draft: bool, can_redraft: bool) -> None:
    """Raise `InputError` for a decision that this hold cannot carry out."""
    if review.verdict == "approve" and not has_draft:
        raise InputError("there is no draft to approve: the model was not asked; edit or reject instead")
    if review.verdict == "edit" and not (review.text or "").strip():
        raise InputError("an edit needs the text to release")
    if review.verdict == "redraft" and not can_redraft:
        raise InputError("no model is configured to redraft: edit, approve or reject instead")
