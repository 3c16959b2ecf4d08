"""Word lists of the PHI detector, read once: cue words, protected vocabulary, names as supporting evidence."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class Lexicon(BaseModel):
    """`data/phi.yaml`, one to one; every word lower case. The file says what each list is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    titles: frozenset[str]
    clinician_titles: frozenset[str]
    particles: frozenset[str]
    person_cues: frozenset[str]
    contact_cues: frozenset[str]
    name_labels: frozenset[str]
    clinician_labels: frozenset[str]
    self_cues: frozenset[str]
    name_tails: frozenset[str]
    closings: frozenset[str]
    institutions: frozenset[str]
    eponym_heads: frozenset[str]
    protected: frozenset[str]
    countries_states: frozenset[str]
    months: dict[str, int]
    birth_cues: frozenset[str]
    document_cues: frozenset[str]
    care_cues: frozenset[str]
    number_labels: dict[str, frozenset[str]]
    phone_cues: frozenset[str]
    organisation_cues: frozenset[str]
    personal_cues: frozenset[str]
    role_mailboxes: frozenset[str]
    public_hosts: frozenset[str]
    personal_hosts: frozenset[str]
    live_cues: frozenset[str]
    public_verbs: frozenset[str]
    public_places: frozenset[str]
    private_review: frozenset[str]
    deidentify: frozenset[str]
    third_parties: frozenset[str]
    conditions: frozenset[str]
    zh_surnames: str


@cache
def lexicon() -> Lexicon:
    """The cue words."""
    return Lexicon.model_validate(yaml.safe_load(_data("phi.yaml")))


@cache
def given_names() -> frozenset[str]:
    """Common given names: support a name, never make one alone."""
    return _words("names_given.txt")


@cache
def family_names() -> frozenset[str]:
    """Common family names."""
    return _words("names_family.txt")


@cache
def known_words() -> frozenset[str]:
    """Words of everyday and clinical prose, eponyms, drugs, places, agencies: no names by their looks alone."""
    words = lexicon()
    months = frozenset(words.months)
    return _words("phi_words.txt") | _words("phi_capitals.txt") | words.protected | words.institutions | months


def any_of(words: frozenset[str] | set[str]) -> str:
    """A regular expression that matches one of the words or phrases, longest first."""
    return "(?:" + "|".join(re.escape(w) for w in sorted(words, key=lambda w: (-len(w), w))) + ")"


def _words(name: str) -> frozenset[str]:
    lines = _data(name).splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _data(name: str) -> str:
    return (files("wardround.agents.safety") / "data" / name).read_text(encoding="utf-8")
