"""FHIR R4 and R5 DocumentReference: the attached documents, read by their own readers. A URL is never fetched."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, Document, Refused
from .dates import day_or_none
from .jsonl import mistake
from .source import Reader, Source

_KIND = "DocumentReference"


class _Part(BaseModel):
    """Lenient on purpose: R4 and R5 differ in fields that are not read here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Named(_Part):
    """A reference to an author or custodian."""

    display: str | None = None


class Attachment(_Part):
    """The bytes of a document, or where they lie."""

    contentType: str = ""
    language: str | None = None
    data: str | None = None
    """Base64."""
    url: str | None = None
    hash: str | None = None
    """SHA-1 of the bytes, base64."""
    title: str | None = None


class Content(_Part):
    """One form of the document."""

    attachment: Attachment


class Meta(_Part):
    """Of the resource, not the document."""

    versionId: str | None = None


class Reference(_Part):
    """A DocumentReference, as far as it is read."""

    id: str | None = None
    status: str | None = None
    docStatus: str | None = None
    meta: Meta = Meta()
    version: str | None = None
    """R5 only."""
    date: str | None = None
    description: str | None = None
    language: str | None = None
    author: tuple[Named, ...] = ()
    custodian: Named | None = None
    content: tuple[Content, ...] = Field(min_length=1)


def read(source: Source, attached: Reader) -> Iterator[Document | Refused]:
    """The documents of a resource, a Bundle or lines of resources; `attached` reads their bytes."""
    found = False
    for where, raw in _resources(source):
        if isinstance(raw, Refused):
            found = True
            yield raw
        elif raw.get("resourceType") == _KIND:
            found = True
            yield from _documents(raw, source, where, attached)
    if not found:
        raise InputError(f"holds no {_KIND}, the only FHIR resource that is read as evidence")


def _resources(source: Source) -> Iterator[tuple[str, dict[str, Any] | Refused]]:
    """Every resource with its place; one JSON value, else one a line."""
    data = source.data().removeprefix(b"\xef\xbb\xbf")
    try:
        whole: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if data.strip().count(b"\n") == 0 or not _is_lines(data):
            raise InputError(f"not valid JSON: {error.msg}") from error
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield from _unbundled(_loaded(line, f"{source.where}:{number}"), f"{source.where}:{number}")
        return
    yield from _unbundled(whole, source.where)


def _is_lines(data: bytes) -> bool:
    """Whether any line is a JSON object of its own, as in NDJSON."""
    return any(isinstance(_loaded(line, ""), dict) for line in data.splitlines() if line.strip())


def _loaded(line: bytes, where: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Refused(where, f"not valid JSON: {error.msg}")


def _unbundled(raw: Any, where: str) -> Iterator[tuple[str, dict[str, Any] | Refused]]:
    if isinstance(raw, Refused):
        yield where, raw
    elif not isinstance(raw, dict):
        yield where, Refused(where, "expected a FHIR resource, a JSON object")
    elif cast("dict[str, Any]", raw).get("resourceType") != "Bundle":
        yield where, cast("dict[str, Any]", raw)
    else:
        entries: Any = cast("dict[str, Any]", raw).get("entry")
        for index, entry in enumerate(_listed(entries)):
            place = f"{where}: entry[{index}]"
            resource: Any = cast("dict[str, Any]", entry).get("resource") if isinstance(entry, dict) else None
            is_object = isinstance(resource, dict)
            yield place, cast("dict[str, Any]", resource) if is_object else Refused(place, "holds no resource")


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _documents(raw: dict[str, Any], source: Source, where: str, attached: Reader) -> Iterator[Document | Refused]:
    try:
        reference = Reference.model_validate(raw)
    except ValidationError as error:
        yield Refused(where, f"not a readable {_KIND}: {mistake(error)}")
        return
    if "entered-in-error" in {reference.status, reference.docStatus}:
        yield Refused(where, "its status is entered-in-error")
        return
    key = reference.id or f"{source.name}{where.removeprefix(source.where)}"
    for index, content in enumerate(reference.content):
        place = where if len(reference.content) == 1 else f"{where}: content[{index}]"
        name = key if index == 0 else f"{key}#{index + 1}"
        try:
            inner = replace(
                source,
                where=place,
                name=name,
                content=_bytes(content.attachment),
                media_type=content.attachment.contentType.partition(";")[0].strip().lower(),
            )
            for found in attached(inner):
                yield found if isinstance(found, Refused) else _named(found, name, reference, content.attachment)
        except InputError as error:
            yield Refused(place, str(error))


def _bytes(attachment: Attachment) -> bytes:
    if attachment.data is None:
        reason = "holds only a URL, which is never fetched" if attachment.url else "holds no data"
        raise InputError(f"its attachment {reason}; put the document into attachment.data")
    try:
        data = base64.b64decode("".join(attachment.data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("its attachment.data is not valid base64") from error
    if attachment.hash and base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode() != (
        attachment.hash.strip()
    ):
        raise InputError("its attachment.data does not match attachment.hash: damaged on the way")
    return data


def _named(document: Document, key: str, reference: Reference, attachment: Attachment) -> Document:
    """The document under the resource's id; what the resource says goes before what the document says."""
    own = document.about
    authors = ", ".join(filter(None, (clean(a.display or "") for a in reference.author)))
    custodian = clean(reference.custodian.display or "") if reference.custodian else ""
    about = About(
        clean(reference.description or attachment.title or "") or own.title,
        custodian or authors or own.publisher,
        reference.version or own.edition or reference.meta.versionId,
        day_or_none(reference.date) or own.effective,
        own.expires,
        own.jurisdiction,
        own.audience,
        attachment.language or reference.language or own.language,
    )
    return replace(document, key=key, about=about)
