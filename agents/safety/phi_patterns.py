"""Identifiers with a shape: numbers, addresses of the net, phones, places of living. Names and dates live next door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from . import phi_checksums as checks
from .detector import Reading
from .phi_lexicon import any_of, lexicon


@dataclass(frozen=True, slots=True)
class Hit:
    """One identifier in one text."""

    subject: str
    """What it is: `name`, `date of birth`, `date`, `mrn`, `phone` …"""
    start: int
    """First character."""
    end: int
    """One past the last."""
    confidence: float
    """How sure the rule is that this is an identifier of somebody."""
    code: str
    """The rule that spoke."""
    role: str = ""
    """`clinician`, `organisation`, or empty for a private person."""


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]{3,300}", re.IGNORECASE)
_PROFILE = re.compile(r"(?<![\w.@/-])(?:[a-z0-9-]{1,40}\.){1,3}(?:com|net|me|org|tv)/[^\s<>\"')\],;]{2,80}")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d|\w)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])")
_MAC = re.compile(r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])")
_SSN = re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])")
_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?!\w)")
_MBI = re.compile(r"(?<!\w)[1-9][a-z][a-z0-9]\d-?[a-z][a-z0-9]\d-?[a-z]{2}\d{2}(?!\w)")
_VIN = re.compile(r"(?<!\w)[a-hj-npr-z0-9]{17}(?!\w)")
_MIXED = re.compile(
    r"(?<![\w-])[a-z0-9]{11}(?:[a-z0-9]{6})?(?!\w)|(?<![\w-])[1-9][a-z][a-z0-9]\d-[a-z][a-z0-9]\d-[a-z]{2}\d{2}(?!\w)"
)
_NHS = re.compile(r"(?<![\w-])\d{3} \d{3} \d{4}(?![\w-])")


def shaped(where: Reading) -> Iterator[Hit]:
    """Identifiers that their own shape or check digit gives away."""
    text = where.folded
    if "@" in text:
        yield from (_email(m) for m in _EMAIL.finditer(text))
    yield from _urls(text)
    if has_long_number(where):
        yield from _network(text)
        yield from _numbers(text)
    elif text.count(":") >= 5:
        yield from _network(text)
    for m in _MIXED.finditer(text):
        yield from _coded(m)


def _email(m: re.Match[str]) -> Hit:
    name, _, host = m.group().partition("@")
    public = name in lexicon().role_mailboxes or _under(host.rstrip(".-"), lexicon().public_hosts)
    role = "organisation" if public else ""
    end = m.end() - (len(m.group()) - len(m.group().rstrip(".-")))
    return Hit("email", m.start(), end, 0.97, "phi.email", role)


def _urls(text: str) -> Iterator[Hit]:
    words = lexicon()
    if "http" in text or "www." in text:
        for m in _URL.finditer(text):
            url = m.group().rstrip(".,;:!?")
            host = url.split("//")[-1].split("/")[0].removeprefix("www.").split(":")[0]
            public = _under(host, words.public_hosts)
            if not public:
                code = "phi.url.personal" if _under(host, words.personal_hosts) else "phi.url"
                yield Hit("url", m.start(), m.start() + len(url), 0.9, code)
    if ".com/" in text or ".me/" in text:
        for m in _PROFILE.finditer(text):
            if _under(m.group().split("/")[0], words.personal_hosts):
                yield Hit("url", m.start(), m.end(), 0.85, "phi.url.personal")


def _under(host: str, domains: frozenset[str]) -> bool:
    """Whether a host is one of the domains or lies below one."""
    parts = host.split(".")
    return any(".".join(parts[i:]) in domains for i in range(len(parts)))


def _network(text: str) -> Iterator[Hit]:
    for m in _IPV4.finditer(text):
        before = text[max(0, m.start() - 12) : m.start()]
        if all(int(p) < 256 for p in m.group().split(".")) and not re.search(
            r"(?:version|section|ver|v)\.?\s?$", before
        ):
            yield Hit("ip", m.start(), m.end(), 0.9, "phi.ip")
    for m in _IPV6.finditer(text):
        yield Hit("ip", m.start(), m.end(), 0.95, "phi.ip")
    for m in _MAC.finditer(text):
        yield Hit("device", m.start(), m.end(), 0.95, "phi.mac")


_LONG = re.compile(r"\d(?:[^\w\n]{0,2}\d){6}")


def has_long_number(where: Reading) -> bool:
    """Whether seven digits stand together somewhere: without them most numbers need not be looked for."""
    return _LONG.search(where.folded) is not None


def _numbers(text: str) -> Iterator[Hit]:
    for m in _SSN.finditer(text):
        if checks.ssn(_digits(m.group())):
            yield Hit("ssn", m.start(), m.end(), 0.95, "phi.ssn")
    for m in _CARD.finditer(text):
        digits = _digits(m.group())
        if len(set(digits)) > 1 and checks.luhn(digits):
            yield Hit("account", m.start(), m.end(), 0.9, "phi.card")
    for m in _IBAN.finditer(text):
        if checks.iban(re.sub(r"\s", "", m.group())):
            yield Hit("account", m.start(), m.end(), 0.98, "phi.iban")
    for m in _NHS.finditer(text):
        if checks.nhs(_digits(m.group())):
            yield Hit("insurance id", m.start(), m.end(), 0.8, "phi.nhs")


def _coded(m: re.Match[str]) -> Iterator[Hit]:
    """Letters and digits mixed: vehicle and Medicare beneficiary numbers."""
    value = m.group()
    if _MBI.fullmatch(value):
        yield Hit("insurance id", m.start(), m.end(), 0.9, "phi.mbi")
    elif _VIN.fullmatch(value) and not value.isalpha() and not value.isdigit() and checks.vin(value.upper()):
        yield Hit("vehicle", m.start(), m.end(), 0.95, "phi.vin")


_VALUE = re.compile(
    r"(?<![\w.])(?:[a-z]{0,4}[-#]?\d[\da-z]*(?:[-./ ][\da-z]*\d[\da-z]*){0,5}"
    r"|[a-z]{2,4}-[a-z]{2,6}-\d{2,8}|[a-z]\d[a-z\d-]{3,20})(?!\w)"
)
"""What a number field may hold."""
LABEL_CHARS = 60
"""How far before its value a label may begin, filler words included."""


@cache
def _label() -> re.Pattern[str]:
    """A label and at most three filler words, right before a value."""
    labels = any_of({label for group in lexicon().number_labels.values() for label in group})
    filler = r"(?:\s{0,3}(?:#|no\.?|number|num\.?|nr\.?|n[º°]|id|is|was|it's|its|ending in|es|ist|:|=|-)){0,3}\s{0,3}"
    return re.compile(rf"(?<!\w)({labels}){filler}$")


@cache
def _label_subjects() -> dict[str, str]:
    return {label: subject for subject, group in lexicon().number_labels.items() for label in group}


_UNIT = re.compile(
    r"\s?(?:%|mg|mcg|ml|units?|iu|mmol|years?|months?|weeks?|days?|hours?|minutes?|times|patients?|beats|cm|mm|kg"
    r"|lbs?|steps?|percent|people)\b"
)


def labelled(where: Reading) -> Iterator[Hit]:
    """Numbers behind a label: `MRN 12…`, `policy no. …`, `serial …`."""
    for m in _VALUE.finditer(where.folded):
        if sum(c.isdigit() for c in m.group()) < 4 or _is_year(m.group()) or _UNIT.match(where.folded, m.end()):
            continue
        label = _label().search(where.folded[max(0, m.start() - LABEL_CHARS) : m.start()])
        if label is not None:
            subject = _label_subjects()[label.group(1)]
            yield Hit(subject, m.start(), m.end(), 0.93, f"phi.{subject.replace(' ', '-')}")


def _is_year(value: str) -> bool:
    return len(value) == 4 and value.isdigit() and 1900 <= int(value) <= 2099


_PHONE = re.compile(
    r"(?<![\w./$€£-])(?:\+|\b00)?\(?\d[\d \t().\-]{5,20}\d(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?!\w|[.,/-]\d|%)"
)
_PHONE_SHAPE = re.compile(
    r"(?:\+|00)\d{1,3}[\s().-].{6,}|\+\d{9,14}|(?:\+?1[-. ]?)?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}.{0,12}"
    r"|\(0\d{1,4}\)\s?[\d -]{5,10}|0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}|\d{3}-\d{4}|0\d(?:[ .]\d{2}){4}"
)
_PHONE_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:\s.*)?$")
_DOSE_AFTER = re.compile(r"\s?(?:mg|mcg|ml|units?|iu|years?|cal|mmhg|beats|steps|kg|hz)\b")


@cache
def _phone_context() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    words = lexicon()
    return (
        re.compile(rf"(?<!\w){any_of(words.phone_cues)}(?!\w)"),
        re.compile(rf"(?<!\w){any_of(words.organisation_cues)}(?!\w)"),
        re.compile(rf"(?<!\w){any_of(words.personal_cues)}(?!\w)"),
    )


def phones(where: Reading) -> Iterator[Hit]:
    """Telephone and fax numbers of private lines; toll-free and published lines are an organisation's."""
    cue, _, _ = _phone_context()
    for m in _PHONE.finditer(where.folded):
        value = m.group().rstrip(" (.-")
        digits = _digits(value)
        if not 7 <= len(digits) <= 20 or _PHONE_DATE.match(value) or _DOSE_AFTER.match(where.folded, m.end()):
            continue
        shaped_right = _PHONE_SHAPE.fullmatch(value) is not None
        cued = cue.search(where.folded, max(0, m.start() - 30), m.start()) is not None
        after = where.folded[m.end() : m.end() + 12].strip(" -(")
        if shaped_right or cued or after.startswith(("office", "fax", "mobile", "cell", "home", "work")):
            yield Hit(
                "phone", m.start(), m.start() + len(value), 0.9 if shaped_right else 0.75, "phi.phone", _line(where, m)
            )


_TOLL_FREE = re.compile(r"(?:1)?8(?:00|33|44|55|66|77|88)\d{7}")


def _line(where: Reading, m: re.Match[str]) -> str:
    """`organisation` where the number is toll-free, or the words just before it speak of a service, not of a person."""
    if _TOLL_FREE.fullmatch(_digits(m.group())):
        return "organisation"
    _, organisation, personal = _phone_context()
    begin = max(where.folded.rfind(". ", 0, m.start()), where.folded.rfind("\n", 0, m.start()), m.start() - 70, 0)
    last_org = max((h.end() for h in organisation.finditer(where.folded, begin, m.start())), default=-1)
    last_own = max((h.end() for h in personal.finditer(where.folded, begin, m.start())), default=-1)
    return "organisation" if last_org > last_own else ""


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit() and c.isascii())
