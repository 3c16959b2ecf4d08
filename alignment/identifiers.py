"""Texts with the places of their identifiers: the project's own notes, `corpus/phi/*.yaml`, filled with made-up values.

A slot names what stands in it; the same slot is the same value in one text. Needs Faker (extra `train`).
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from wardround.policies.errors import WardroundError

from .corpus import LOADER
from .examples import Example

FOLDER = Path(__file__).parent / "corpus" / "phi"
FILLS = {"en": 9}
"""Texts made from one template, by language."""
OTHER_FILLS = 6
LOWER = 5
"""The filling that is written in lower case, as many people type."""
KNOWN = {"smuggled": 0, "injection": 0, "harmful": 0}
"""What a note says about the heads."""
_SLOT = re.compile(r"\{([A-Za-z_0-9]+)\}")
TAGS: Mapping[str, str] = {
    "full": "name", "first": "name", "last": "name", "last_first": "name", "initials": "name", "nick": "name",
    "doctor": "name", "handle": "identifier", "date": "date", "dob": "date", "daymonth": "date",
    "weekday_date": "date", "street": "place", "city": "place", "zip": "place", "hospital": "organisation",
    "employer": "organisation", "school": "organisation", "phone": "identifier", "email": "identifier",
    "ssn": "identifier", "mrn": "identifier", "account": "identifier", "policy": "identifier",
    "license": "identifier", "plate": "identifier", "device": "identifier", "url": "identifier", "ip": "identifier",
    "age90": "none",
}  # fmt: skip
"""What a slot's value is tagged as; ages are left to the rules."""
LOCALES: Mapping[str, tuple[str, ...]] = {
    "en": ("en_US", "en_US", "en_US", "en_GB", "en_IN", "en_IE", "en_AU", "en_CA", "en_NG", "en_KE", "en_PK", "es_MX",
           "vi_VN", "pl_PL", "tr_TR", "id_ID", "fil_PH", "yo_NG", "ig_NG", "zu_ZA", "tw_GH", "it_IT", "nl_NL", "sv_SE",
           "fr_FR", "de_DE", "pt_BR", "hu_HU", "ro_RO", "fi_FI", "cs_CZ", "hr_HR", "lt_LT", "is_IS"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO", "es_CL"),
    "fr": ("fr_FR", "fr_CA", "fr_CH", "fr_BE"),
    "de": ("de_DE", "de_AT", "de_CH", "tr_TR", "pl_PL"),
    "pt": ("pt_BR", "pt_PT"),
}  # fmt: skip
"""Where names come from; addresses come from the first few."""
_EAST = (
    "Zhang Li Wang Chen Liu Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Lin He Guo Luo Tran Nguyen Pham Vang Xiong Moua Yang"
    " Kim Park Choi Jung Kang Cho Yoon Jang Lim Han Oh Seo Shin Kwon Hwang Ahn Song",
    "Mei Jun Hui Fang Min Jie Lan Tao Qiang Hua Bao Dao Pao Mai Tou Kao Ji-woo Seo-yeon Min-jun Ha-eun Eun-ji Hyun-woo"
    " Soo-min Jin Linh Thuy Duc Minh Quang Xiaoling Yuchen Haoran Wei Xiu Ying",
)
_WEST = (
    "Al-Rashid Haddad Khalil Mansour Nasser Saleh Hussein Abdi Warsame Mohamud Tesfaye Bekele Haile Diallo Traore Keita"
    " Mensah Owusu Kamau Otieno Fernandes Kaur Gill Sandhu Iyer Nair Reddy Banerjee Chaudhry Siddiqui Rahmani Ahmadi"
    " Petrosyan Melkonian Shevchenko Ivanenko Volkov Kealoha Kahananui Begay Tsosie Yazzie Whitehorse",
    "Amina Fatima Yusuf Omar Layla Khadija Ibrahim Hodan Abebe Selam Mamadou Aissatou Kwame Akua Wanjiru Achieng Priya"
    " Arjun Harpreet Gurleen Lakshmi Anjali Farid Zahra Ani Hovhannes Oksana Dmytro Svetlana Keanu Leilani Nizhoni",
)
_WORDS = (
    "Will Rose Hope Grant June Baker Young Summer Joy Grace Faith Mark Bill Rich Art Dawn Ivy Violet Hunter Chase"
    " Drew Frank Guy Harry Iris Jack Jade Jay Ken Lance Max Miles Olive Pat Ray Rob Rusty Sandy Skip Sterling Sue"
    " Wade Autumn April May Daisy Amber Ruby Pearl Crystal Melody Destiny Precious Trinity Christian Dean Duke Earl",
    "Baker Young Long Short Small Little Brown Green White Black Gray King Bishop Pope Knight Marsh Woods Fields Banks"
    " Stone Bright Sharp Strong Savage Sweet Love Day Weeks Winter Frost Rain Moon Star Bell Ball Bush Rice Bean Berry"
    " Fish Wolf Fox Lamb Bird Crane Hawk Pike Bass Hall House Church Temple Castle Gates Wall Street Park Lake Rivers",
)
_WEEKDAYS = {
    "en": "Mon Monday Tue Tuesday Wed Wednesday Thu Thursday Fri Friday Saturday Sunday",
    "es": "lunes martes miércoles jueves viernes sábado", "fr": "lundi mardi mercredi jeudi vendredi samedi",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Mo Di Do", "pt": "segunda-feira terça-feira quinta-feira sexta",
}  # fmt: skip
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}  # fmt: skip
_CARE = {
    "en": "Hospital|Medical Center|Clinic|Family Medicine|Regional|Health Center|Children's|Urgent Care|Dental|Imaging|"
    "Dermatology|Nursing Home|Hospice|Surgery Center|Pharmacy|Rehab|General|Community Health|Memorial|Heart Institute|"
    "Women's Health|Medical Group|Orthopedics|Eye Associates|Home Care",
    "es": "Hospital|Clínica|Centro de Salud|Hospital Universitario|Sanatorio|Policlínica",
    "fr": "CHU|Clinique|Hôpital|Centre hospitalier|Polyclinique|EHPAD",
    "de": "Klinikum|Krankenhaus|Universitätsklinikum|Praxis|Pflegeheim|MVZ",
    "pt": "Hospital|Clínica|UBS|Santa Casa|Centro de Saúde|UPA",
}  # fmt: skip
_SCHOOL = {
    "en": "Elementary|Middle School|High School|Community College|University|Preschool|Academy|Day Care",
    "es": "Colegio|Instituto|Escuela|Universidad", "fr": "Collège|Lycée|École|Université",
    "de": "Gymnasium|Grundschule|Realschule|Kita", "pt": "Escola|Colégio|Universidade|Creche",
}  # fmt: skip
_TRADE = (
    "Packing|Logistics|Diner|Foods|Motors|Fire Department|County Schools|Nails|Restaurant|Farms|Construction|Bakery|"
    "Airlines|Bank|Insurance|Trucking|Textiles|Software|Lumber|Post Office|Mining|Shipyard|Hotel|Landscaping|Steel"
)


class Template(BaseModel):
    """A note with slots."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    text: str


class Notes(BaseModel):
    """One file: notes with slots, and plain ones that name nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    templates: list[Template] = []
    plain: list[Template] = []


def examples() -> Iterator[Example]:
    """Every note of every file, filled several times; the same each time with the same release of Faker."""
    for path in sorted(FOLDER.glob("*.yaml")):
        notes = _load(path)
        for template in notes.templates:
            for number in range(FILLS.get(template.language, OTHER_FILLS)):
                yield filled(template, number)
        for plain in notes.plain:
            yield Example(plain.text, KNOWN, "corpus/phi", "note", plain.language)


def _load(path: Path) -> Notes:
    try:
        raw: object = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - safe loader
        return Notes.model_validate(raw)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise WardroundError(f"alignment/corpus/phi/{path.name} cannot be read: {error}") from error


def filled(template: Template, number: int) -> Example:
    """One text of a template, with the places of what was filled in."""
    made = Made(template.language, random.Random(f"{number}:{template.text}"))  # noqa: S311 - no secret
    parts: list[str] = []
    spans: list[tuple[int, int, str]] = []
    at = length = 0
    for slot in _SLOT.finditer(template.text):
        name = slot.group(1)
        before, value = template.text[at : slot.start()], made.value(name)
        parts += [before, value]
        length += len(before)
        tag = TAGS[_plain(name)]
        if tag != "none":
            spans.append((length, length + len(value), tag))
        length += len(value)
        at = slot.end()
    text = "".join((*parts, template.text[at:]))
    low = text.lower()
    if number == LOWER and len(low) == len(text):
        text = low
    return Example(text, KNOWN, "corpus/phi", "identifiers", template.language, key=template.text, spans=tuple(spans))


def _plain(slot: str) -> str:
    name = slot.lower().rstrip("23").removesuffix("_low")
    if name not in TAGS:
        raise WardroundError(f"alignment/corpus/phi: unknown slot {slot!r}: known are {', '.join(TAGS)}")
    return name


class Made:
    """The values of one text: people, places, dates and numbers that belong together."""

    def __init__(self, language: str, chosen: random.Random) -> None:
        self._language = language if language in LOCALES else "en"
        self._chosen = chosen
        self._kept: dict[str, str] = {}
        self._style = chosen.randrange(12)

    def value(self, slot: str) -> str:
        """The value of a slot, the same each time; `LAST` is `last` in capitals, `full_low` is `full` in lower case."""
        if slot.isupper():
            return self.value(slot.lower()).upper()
        if slot.endswith("_low"):
            return self.value(slot.removesuffix("_low")).lower()
        if slot not in self._kept:
            self._kept[slot] = self._make(_plain(slot), slot[len(slot.rstrip("23")) :])
        return self._kept[slot]

    def _make(self, kind: str, number: str) -> str:
        match kind:
            case "full":
                middle = f" {self._chosen.choice(string.ascii_uppercase)}." if self._chosen.random() < 0.12 else ""
                return f"{self.value('first' + number)}{middle} {self.value('last' + number)}"
            case "last_first":
                return f"{self.value('last' + number)}, {self.value('first' + number)}"
            case "first" | "last" | "doctor":
                self._name(number if kind != "doctor" else "doctor" + number)
                return self._kept[("last" if kind == "last" else kind) + number]
            case "initials":
                a, b = self._chosen.choices(string.ascii_uppercase, k=2)
                return self._chosen.choice((f"{a}.{b}.", f"{a}. {b}.", f"{a}{b}", f"{a}.{b}"))
            case "nick":
                first = self.value("first" + number)
                return self._chosen.choice(
                    (first[: max(3, len(first) // 2)], f"{first[:3]}ie", "Bubba", "Chuy", "Tish", "Yanni", "Pepe")
                )
            case _:
                return _MAKERS[kind](self._language, self._chosen, self._style)

    def _name(self, person: str) -> None:
        first, last = name(self._language, self._chosen)
        if person.startswith("doctor"):
            self._kept.setdefault(person, last if self._chosen.random() < 0.7 else f"{first} {last}")
            return
        self._kept.setdefault("first" + person, first)
        self._kept.setdefault("last" + person, last)


def name(language: str, chosen: random.Random) -> tuple[str, str]:
    """A first and a last name: of a country, of words, of syllables that no list holds."""
    kind = chosen.random()
    if language == "en" and kind < 0.12:
        return chosen.choice(_WORDS[0].split()), chosen.choice(_WORDS[1].split())
    if language == "en" and kind < 0.22:
        return chosen.choice(_EAST[1].split()), chosen.choice(_EAST[0].split())
    if language == "en" and kind < 0.32:
        return chosen.choice(_WEST[1].split()), chosen.choice(_WEST[0].split())
    if kind < 0.42:
        return _syllables(chosen, 2), _syllables(chosen, chosen.choice((2, 3)))
    faker = _faker(chosen.choice(LOCALES[language]))
    faker.seed_instance(chosen.getrandbits(40))
    last = str(faker.last_name())
    return str(faker.first_name()), f"{last}-{faker.last_name()}" if chosen.random() < 0.07 else last


def _syllables(chosen: random.Random, n: int) -> str:
    heads = "b br c ch d dr f g gr h j k kl l m n p pr r s sh st t th tr v w z".split()
    ends = ["", "", "n", "r", "l", "s", "th", "m", "nd", "ck", "x"]
    return "".join(chosen.choice(heads) + chosen.choice("aeiouy") + chosen.choice(ends) for _ in range(n)).capitalize()


def _date(language: str, chosen: random.Random, style: int) -> str:
    day, month, year = chosen.randint(1, 28), chosen.randint(1, 12), chosen.randint(1988, 2026)
    if chosen.random() < 0.2:
        style = chosen.randrange(12)
    return _written(language, day, month, year, style)


def _dob(language: str, chosen: random.Random, style: int) -> str:
    return _written(language, chosen.randint(1, 28), chosen.randint(1, 12), chosen.randint(1928, 2024), style)


def _written(language: str, day: int, month: int, year: int, style: int) -> str:
    called = _MONTHS[language].split()[month - 1]
    a, b = (month, day) if language == "en" else (day, month)
    if language != "en" and style in {1, 3, 8, 10}:
        of = {"es": " de ", "pt": " de ", "de": ". "}.get(language, " ")
        return f"{day}{of}{called}{' de ' if language in {'es', 'pt'} else ' '}{year}"
    return (
        f"{a}/{b}/{year}", f"{called} {day}, {year}", f"{a:02}/{b:02}/{year}", f"{day}-{called[:3]}-{year}",
        f"{year}-{month:02}-{day:02}", f"{a}/{b}/{year % 100:02}", f"{a}/{b}", f"{day:02}.{month:02}.{year}",
        f"{called[:3]} {day}", f"{a:02}-{b:02}-{year}", f"{day} {called} {year}", f"{called[:3]}. {day}, {year}",
    )[style]  # fmt: skip


def _daymonth(language: str, chosen: random.Random, style: int) -> str:
    del style
    day, month = chosen.randint(1, 28), chosen.randint(1, 12)
    called = _MONTHS[language].split()[month - 1]
    if language != "en":
        return (
            f"{day} de {called}"
            if language in {"es", "pt"}
            else f"{day}. {called}"
            if language == "de"
            else f"{day} {called}"
        )
    th = "th" if 10 <= day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return chosen.choice(
        (f"{called} {day}", f"{day} {called}", f"{month}/{day}", f"{called} {day}{th}", f"the {day}{th} of {called}",
         f"{called[:3]} {day}", f"{called.lower()} {day}", f"the {day}{th}", f"{month:02}/{day:02}")
    )  # fmt: skip


def _weekday(language: str, chosen: random.Random, style: int) -> str:
    day = chosen.choice(_WEEKDAYS[language].split())
    return f"{day}{chosen.choice((', ', ' ', ' '))}{_daymonth(language, chosen, style)}"


def _of_place(method: str) -> Callable[[str, random.Random, int], str]:
    def make(language: str, chosen: random.Random, style: int) -> str:
        del style
        faker = _faker(chosen.choice(LOCALES[language][:7]))
        faker.seed_instance(chosen.getrandbits(40))
        return " ".join(str(getattr(faker, method)()).split())

    return make


def _label(chosen: random.Random) -> str:
    faker = _faker(chosen.choice(LOCALES["en"][:7]))
    faker.seed_instance(chosen.getrandbits(40))
    return str(
        chosen.choice((faker.last_name, faker.city, lambda: f"St. {faker.first_name()}", lambda: _syllables(chosen, 2),
                       lambda: " ".join(chosen.choice(_WORDS[1].split()) for _ in range(2))))()
    )  # fmt: skip


def _organisation(kinds: Mapping[str, str]) -> Callable[[str, random.Random, int], str]:
    def make(language: str, chosen: random.Random, style: int) -> str:
        del style
        kind, label = chosen.choice(kinds[language].split("|")), _label(chosen)
        return f"{label} {kind}" if language == "en" else f"{kind} {label}"

    return make


def _employer(language: str, chosen: random.Random, style: int) -> str:
    if chosen.random() < 0.4:
        return _of_place("company")(language, chosen, style)
    return f"{_label(chosen)} {chosen.choice(_TRADE.split('|'))}"


def _phone(language: str, chosen: random.Random, style: int) -> str:
    def digits(n: int) -> str:
        return "".join(chosen.choices(string.digits, k=n))

    if language != "en" or chosen.random() < 0.25:
        return _of_place("phone_number")(language, chosen, style)
    a, b, c = str(chosen.randint(201, 989)), str(chosen.randint(200, 999)), digits(4)
    end = chosen.choice(("", "", "", f" x{digits(3)}", f" ext. {digits(4)}"))
    return (
        chosen.choice(
            (
                f"({a}) {b}-{c}",
                f"{a}-{b}-{c}",
                f"{a}.{b}.{c}",
                f"+1 {a} {b} {c}",
                f"{a}{b}{c}",
                f"1-{a}-{b}-{c}",
                f"{b}-{c}",
            )
        )
        + end
    )


def _pattern(*patterns: str) -> Callable[[str, random.Random, int], str]:
    """Values by a pattern: # a digit, ? a capital, ! either, * a small letter."""
    signs = {
        "#": string.digits,
        "?": string.ascii_uppercase,
        "!": string.ascii_uppercase + string.digits,
        "*": string.ascii_lowercase,
    }

    def make(language: str, chosen: random.Random, style: int) -> str:
        del language, style
        return "".join(chosen.choice(signs[c]) if c in signs else c for c in chosen.choice(patterns))

    return make


_MAKERS: Mapping[str, Callable[[str, random.Random, int], str]] = {
    "date": _date, "dob": _dob, "daymonth": _daymonth, "weekday_date": _weekday,
    "street": _of_place("street_address"), "city": _of_place("city"), "zip": _of_place("postcode"),
    "hospital": _organisation(_CARE), "school": _organisation(_SCHOOL), "employer": _employer,
    "phone": _phone, "email": _of_place("email"), "ip": _of_place("ipv4"), "url": _of_place("url"),
    "handle": _pattern("@****_##", "@**.*****", "u/******##", "@*****.****", "******_****"),
    "ssn": _pattern("###-##-####", "###-##-####", "#########", "xxx-xx-####"),
    "mrn": _pattern("########", "######", "???######", "##-##-###", "H#######", "00#######", "MR#######", "#######-#"),
    "account": _pattern("########", "??-###-####-?", "?-##-#####", "AC########", "####-####-####", "####/####"),
    "policy": _pattern("???######?", "???#########", "W#########", "##-########", "#!##-!?#-??##", "???-########"),
    "license": _pattern("??#######", "?###-####-####", "##########", "?##-###-###", "?########", "??######"),
    "plate": _pattern("???-####", "?## ???", "#???###", "??## ???", "??-###-??", "?? ?? ###", "??? ##?"),
    "device": _pattern("PJN######S", "SN-########", "????######", "########", "SN ?##-####-#", "!!!!-!!!!-!!!!"),
    "age90": _pattern("9#", "9#", "10#"),
}  # fmt: skip


@cache
def _faker(locale: str) -> Any:
    return import_module("faker").Faker(locale)
