"""Where somebody lives: street addresses, post codes, towns behind "lives in"; states and countries do not count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from .detector import Reading
from .phi_lexicon import any_of, lexicon
from .phi_patterns import Hit

_CAP = r"(?:[A-ZÀ-ÖØ-Þ][\w'’.-]{0,30}|\d{1,3}(?:st|nd|rd|th))"
_LINK = r"(?:(?:de|del|de la|de los|du|des|of|la|el|da|do|dos|van|der)\s)"
_SUFFIX = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Terrace|Ter|Circle"
    r"|Cir|Highway"
    r"|Hwy|Parkway|Pkwy|Close|Crescent|Square|Sq|Trail|Loop|Row|Mews|Gardens|Grove|Alley|Route)"
)
_UNIT = r"(?:,?\s{1,2}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|#)\.?\s?#?[\w-]{1,6})?"
_TOWN = (
    rf"(?:,\s{{0,2}}{_CAP}(?:\s{_CAP}){{0,2}})?"
    rf"(?:,?\s{{1,2}}[A-Z]{{2}}(?![a-z\w]))?(?:,?\s{{1,2}}\d{{5}}(?:-\d{{4}})?(?!\w))?"
)
_UK = r"[A-Z]{1,2}\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{2}"
_STREETS = (
    re.compile(rf"(?<![\w.-])\d{{1,6}}[A-Z]?\s(?:[NSEW]\.?\s)?{_CAP}(?:\s{_CAP}){{0,3}}\s{_SUFFIX}\b\.?{_UNIT}{_TOWN}"),
    re.compile(
        rf"(?<!\w)(?:Calle|C/|Av\.|Avenida|Avda\.?|Plaza|Pza\.?|Paseo|Carrer|Ctra\.?|Carretera|Rua|Travessa|Via"
        rf"|Viale|Piazza)\s{{1,2}}"
        rf"{_LINK}{{0,2}}{_CAP}(?:\s{_LINK}{{0,2}}{_CAP}){{0,4}}(?:\s?,?\s{{0,2}}(?:n[º°]\s?)?(?:\d{{1,5}}"
        rf"|s/n))?(?:\s?[,-]\s?\d{{1,2}}[ºª°]?\s?\w{{0,2}}(?!\w))?"
    ),
    re.compile(
        rf"(?<!\w)\d{{1,4}}(?:\s(?:bis|ter))?,?\s(?:rue|avenue|boulevard|place|chemin|allée|impasse|quai"
        rf"|cours)\s{_LINK}{{0,2}}{_CAP}(?:\s{_CAP}){{0,3}}"
    ),
    re.compile(
        r"(?<!\w)[A-ZÄÖÜ][\wäöüß-]{2,30}(?:straße|strasse|str\.|weg|platz|gasse|allee|ufer)\s\d{1,4}[a-z]?(?!\w)"
    ),
    re.compile(rf"(?<!\w)(?:P\.?\s?O\.?\s)Box\s#?\d{{1,7}}{_TOWN}"),
    re.compile(rf"(?<!\w){_CAP}(?:\s{_CAP})?,\s(?:[A-Z]{{2}}|{_CAP})\s\d{{5}}(?:-\d{{4}})?(?!\w)"),
    re.compile(rf"(?<!\w){_UK}(?!\w)"),
    re.compile(r"(?<!\w)\d{5}\s[A-ZÄÖÜ][a-zäöüßéè]{2,20}(?=\s*(?:[.,\n]|$))"),
)
_CODE = re.compile(
    r"(?<!\w)(?:zip|zip ?code|postcode|post code|postal code|c\.?p\.?|código postal|code postal|plz|postleitzahl|cep)"
    r"\s?(?:is|:|=)?\s{0,2}(\d{4,5}(?:-\d{3,4})?|[a-z]\d[a-z] ?\d[a-z]\d)(?!\w)"
)
_LABELLED = re.compile(
    r"(?<!\w)(?:home address|mailing address|street address|address|domicilio|dirección|adresse|anschrift"
    r"|endereço|localidad/ ?provincia|localidad|town|hometown|住址|地址)"
    r"\s?(?:is|:)\s{0,3}([^\n;]{4,80})"
)


@cache
def _lives() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){any_of(lexicon().live_cues)}\s((?:[^\W\d_][\w'.-]{{1,25}}\s?){{1,3}})")


def places(where: Reading) -> Iterator[Hit]:
    """Addresses and towns of people, on the text as written: capitals matter."""
    if any(c.isdigit() for c in where.text):
        yield from _streets(where)
    if _mentions(where.folded, _LABEL_WORDS):
        for m in _LABELLED.finditer(where.folded):
            value = where.text[m.start(1) : m.end(1)].rstrip(" .,")
            if value[:1].isupper() or any(c.isdigit() for c in value):
                yield Hit("address", m.start(1), m.start(1) + len(value), 0.8, "phi.address")
    if _mentions(where.folded, _LIVE_WORDS):
        for m in _lives().finditer(where.folded):
            yield from _town(where, m.start(1))


def _streets(where: Reading) -> Iterator[Hit]:
    five = _FIVE.search(where.text) is not None
    for number, (pattern, words) in enumerate(zip(_STREETS, _STREET_WORDS, strict=True)):
        if not (_mentions(where.folded, words) if words else five or number == 6):
            continue
        for m in pattern.finditer(where.text):
            end = m.end() - (len(m.group()) - len(m.group().rstrip(" ,.")))
            yield Hit("address", m.start(), end, 0.85 if number < 6 else 0.7, "phi.address")
    if _mentions(where.folded, _CODE_WORDS):
        for m in _CODE.finditer(where.folded):
            yield Hit("address", m.start(1), m.end(1), 0.85, "phi.postcode")


_FIVE = re.compile(r"\d{5}")
_STREET_WORDS: tuple[tuple[str, ...], ...] = (
    tuple(f" {w}" for w in _SUFFIX[3:-1].lower().split("|")),
    (
        "calle",
        "c/",
        "av.",
        "aven",
        "avda",
        "plaza",
        "pza",
        "paseo",
        "carrer",
        "ctra",
        "rua ",
        "travessa",
        "via",
        "piazza",
    ),
    ("rue", "avenue", "boulevard", "place", "chemin", "allée", "impasse", "quai", "cours"),
    ("straße", "strasse", "str.", "weg ", "platz", "gasse", "allee", "ufer"),
    ("box",),
    (),
    (),
    (),
)
"""A word that each pattern of `_STREETS` needs; those without one need five digits in a row, or nothing (UK codes)."""
_CODE_WORDS = ("zip", "post", "postal", "c.p", "cp", "plz", "cep")
_LABEL_WORDS = (
    "address",
    "domicilio",
    "direcc",
    "adresse",
    "anschrift",
    "endereço",
    "localidad",
    "town",
    "住址",
    "地址",
)
_LIVE_WORDS = (
    "live",
    "living",
    "resid",
    "moved",
    "hometown",
    "born",
    "home is",
    "viv",
    "natural",
    "orig",
    "habite",
    "wohn",
    "mor",
)


def _mentions(folded: str, words: tuple[str, ...]) -> bool:
    """Whether any of the words stands in the text: far cheaper than the pattern that needs it."""
    return any(word in folded for word in words)


_CAPITALISED = re.compile(rf"{_CAP}(?:\s{_CAP}){{0,2}}")


def _town(where: Reading, start: int) -> Iterator[Hit]:
    """The capitalised words after "lives in", unless they name a state or country."""
    m = _CAPITALISED.match(where.text, start)
    if m is None:
        return
    name = m.group().rstrip(" .,")
    last = name.split()[-1].casefold()
    if last not in lexicon().countries_states and name.casefold() not in {"the", "a"}:
        yield Hit("address", start, start + len(name), 0.65, "phi.town")
