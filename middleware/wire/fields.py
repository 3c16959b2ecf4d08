"""The `wardround` object of a request, and how its mistakes are told. Shared by every protocol and by batch lines."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import Field, ValidationError

from wardround.policies.errors import InputError
from wardround.policies.finding import Frozen
from wardround.policies.request import Audience, Evidence, Patient

from .fhir import is_fhir, patient_from


class Fields(Frozen):
    """What a client may add to a request under `wardround`; never forwarded."""

    policy: str | None = None
    """Name of a policy that this application may use."""
    audience: Annotated[Audience, Field(strict=False)] | None = None
    """Who will read the answer."""
    language: str | None = None
    """BCP 47 language of the answer."""
    patient: Patient | None = None
    """What is known of the patient: the plain object, or a FHIR R4 Bundle."""
    evidence: Annotated[tuple[Evidence, ...], Field(strict=False)] | None = None
    """Passages that may support the answer."""
    wait_seconds: Annotated[float, Field(ge=0, strict=False)] = 0.0
    """How long the call waits for the reviewer of a held answer, seconds."""


def parse_fields(raw: object) -> Fields:
    """Validate the object. Raises `InputError`, one line, naming the field."""
    if raw is None:
        return _NONE
    if not isinstance(raw, Mapping):
        raise InputError("wardround: expected an object")
    given = cast("Mapping[str, Any]", raw)
    if is_fhir(given.get("patient")):
        try:
            given = {**given, "patient": patient_from(given["patient"])}
        except InputError as error:
            raise InputError(f"wardround.{error}") from error
    try:
        return Fields.model_validate(given)
    except ValidationError as error:
        raise InputError(first_mistake(error, "wardround", Fields)) from error


_NONE = Fields()


def first_mistake(error: ValidationError, where: str, model: type[Frozen]) -> str:
    """One line for the first mistake: where, what, and the nearest known field. Never quotes the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    path = ".".join([*([where] if where else []), *(str(p) for p in first["loc"])])
    if first["type"] != "extra_forbidden":
        return f"{path}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    near = difflib.get_close_matches(str(first["loc"][-1]), _names(model), n=1, cutoff=0.5)
    return f"{path}: unknown field" + (f"; did you mean {near[0]!r}?" if near else "")


def _names(model: type[Frozen]) -> list[str]:
    return [*model.model_fields, *Patient.model_fields, *Evidence.model_fields]


def as_messages(raw: object) -> list[Mapping[str, Any]]:
    """The `messages` array as objects. Raises `InputError` where it is not one."""
    if not isinstance(raw, list) or not raw:
        raise InputError("messages: expected a list with at least one message")
    messages = cast(list[Mapping[str, Any]], raw)
    for position, message in enumerate(messages):
        if not isinstance(message, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - it comes from the wire
            raise InputError(f"messages[{position}]: expected an object with role and content")
        if not isinstance(message.get("role"), str):
            raise InputError(f"messages[{position}].role: expected a string")
    return messages
