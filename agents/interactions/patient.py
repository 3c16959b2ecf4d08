"""What is known of the patient: from the fields, and from what the user says. Unknown stays unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from wardround.policies.request import Case, ChildPugh, LabName, Patient

from .dose import parse
from .elapsed import days_since
from .folding import fold
from .limits import Limits
from .mentions import Finder, Mention
from .phrases import Phrases
from .stance import Reading, Status
from .statuses import request_status

_AGE = re.compile(
    r"\b(?:father|mother|mom|mum|dad|wife|husband|patient|she|he|grand\w+|son|daughter|who)(?:'s| is) (\d{1,3})\b"
    r"(?! ?(?:kg|mg|%|/|weeks?|months?|lb))|"
    r"\b(\d{1,3})(?:\.5)?\s?-?\s?(?:year|yr|y)s?\s?-?\s?(?:old|o\b|/o)|\bage[d:]?\s+(\d{1,3})\b|"
    r"\bi'?m (\d{2})(?:[mf]\b| and\b|,|\.)|\b(\d{1,2})\s?yo\b"
)
_MONTHS = re.compile(
    r"\b(\d{1,2})\s?-?\s?(?:month|mo)s?\s?-?\s?old|\b(\d{1,2})\s?-?\s?weeks?\s?-?\s?old|\bnewborn\b|\bneonate\b"
)
_EGFR = re.compile(
    r"\b(?:e?gfr|crcl|creatinine clearance|clearance|e?dfg|e?tfg|vfg|clairance|aclaramiento|depuracion|clearance|"
    r"cockcroft\W?gault)\b[^\d.;\n]{0,25}(\d{1,3}(?:\.\d)?)(?!\s?(?:mg/dl|umol|%|years))"
)
_WEIGHT = re.compile(
    r"\b(\d{1,3}(?:\.\d)?)\s?-?\s?(?:kg|kilos?|kilograms?)\b(?!\s?/)|\b(\d{2,3})\s?(?:lb|lbs|pounds)\b"
)
_PREGNANT = re.compile(
    r"\b(?:pregnant|pregnancy|expecting a baby|weeks? gestation|gestation|trimester|"
    r"trying to conceive|trying to get pregnant|"
    r"trying for a baby|planning a pregnancy|gravid\w*|embarazada|enceinte|schwanger\w*|gestante|"
    r"incinta)\b|\bg\d\s?p\d\b"
)
_GESTATION = re.compile(
    r"\b(\d{1,2})(?:\s?\+\s?\d)?\s?-?(?:weeks?|wks?|w|semanas|semaines|wochen|settimane)\b"
    r"(?=[^.?!\n]{0,20}\b(?:pregnan|gestation|gravid|embaraz|enceinte|schwanger|gravid|incinta))|"
    r"\b(?:pregnant|embarazada|enceinte|schwanger|gravida|incinta)\b[^.?!\n\d]{0,12}(\d{1,2})\s?-?(?:weeks?|wks?|w|semanas|"
    r"semaines|woche|settimane)\b"
)
_NOT_PREGNANT = re.compile(
    r"(?:\bnot|\bno chance|n't|\bnever been|\bno|\bavoid|\bprevent|\bnegative)\s+(?:\w+\s+){0,3}$|test negative"
)
_DENIED = re.compile(
    r"(?:\bno|\bnot|\bdenies|\bwithout|\bnever had|\bnever|\bdon't have|\bdo not have|\bnegative for|"
    r"\bno history of|\bfamily history of|\bex-|\bsin|\bpas d[e']|\bniega|\bno tengo|\bno tiene|\baucune?|"
    r"\bsans|\bkeine?n?|\bohne|\bsem|\bnao tenho|\bnega|\bsenza|\bnon ho|\bnon ha)\s+(?:\w+\s+){0,2}$|"
    r"(?:\u6ca1\u6709|\u65e0|\u5426\u8ba4)$"
)
_OTHER = re.compile(
    r"\b(?:my (?:mom|mum|mother|dad|father|sister|brother|friend|husband|wife|aunt|uncle|"
    r"grand\w+)(?:'s)?|family history)\s+(?:\w+\s+){0,3}$"
)
_CHILD = re.compile(
    r"\bmy (?:son|daughter|kid|child|baby|toddler|infant|grandson|granddaughter|nephew|niece)\b|\byear-old\b"
)
_PROXY = re.compile(
    r"\bmy (?:mom|mum|mother|dad|father|grand\w+|husband|wife|son|daughter|"
    r"partner)\b[^?]{0,200}\b(?:she|he|they|her|him)\b"
)
_UNCONTROLLED = re.compile(
    r"\buncontrolled\b|\bpoorly controlled\b|\bsevere\b|\b1[6-9]\d\s?/\s?\d{2,3}\b|"
    r"\b2\d\d\s?/\s?\d{2,3}\b|\bhas been high\b|\brunning high\b"
)
_DECOMPENSATED = re.compile(r"\bdecompensated\b|\bacute\b|\bfailure\b|\bchild-pugh [bc]\b|\bascites\b")
TOPICAL = re.compile(
    r"\b(?:cream|ointment|gel|topical\w*|eye drops?|ophthalmic|drops|lotion|shampoo|nasal spray|"
    r"inhal\w*|nebuli\w*|patch on the skin)\b"
)


def is_topical(folded: str, start: int, end: int) -> bool:
    """Whether a form for skin, eye, nose or airways stands beside a name, on its own line."""
    begin = max(start - 15, folded.rfind("\n", 0, start) + 1, 0)
    stop = folded.find("\n", end, end + 25)
    before = TOPICAL.search(folded, begin, start)
    return (before or TOPICAL.search(folded, end, end + 25 if stop < 0 else stop)) is not None


@dataclass(frozen=True, slots=True)
class Held:
    """A drug that the patient takes, or that the user asks about."""

    ingredient: str
    label: str
    """The name in the text, for messages: never quoted beyond the drug's name."""
    products: tuple[str, ...]
    """All ingredients of the product."""
    status: Status
    topical: bool
    recorded: bool
    """From the patient's medication list, not from the conversation."""
    new: bool = False
    """A medication list is there and does not have it."""
    daily_mg: float | None = None
    """Daily dose as the medication list has it."""


@dataclass(frozen=True)
class Chart:
    """Everything known of the person, in one value."""

    held: Mapping[str, Held]
    """Taken or asked about, by ingredient; taken wins."""
    conditions: frozenset[str]
    uncontrolled: bool
    decompensated: bool
    allergies: Mapping[str, str]
    """Allergen name to the severity cap of the reaction: `major` for an intolerance, else `contraindicated`."""
    allergy_ingredients: Mapping[str, str]
    pregnant: bool | None
    gestation_weeks: float | None
    """Weeks of pregnancy, where the text says so."""
    age_years: float | None
    egfr_ml_min: float | None
    weight_kg: float | None
    context: str
    """Folded request and conditions, for exceptions."""
    readings: tuple[Reading, ...] = field(default=())
    stopped: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    """Days since a drug was stopped, by ingredient; None where the text does not say."""

    def with_status(self, *statuses: Status) -> tuple[Held, ...]:
        """Held drugs of some statuses, in order of appearance."""
        return tuple(h for h in self.held.values() if h.status in statuses)


class Charter:
    """Builds charts. Built once; thread-safe to read."""

    def __init__(self, finder: Finder, limits: Limits) -> None:
        self._finder = finder
        self._limits = limits
        self._conditions = Phrases(
            (phrase.rstrip("*"), (len(phrase.rstrip("*")), phrase.endswith("*"), name))
            for phrase, name in limits.condition_names.items()
        )

    def chart(self, case: Case, readings: tuple[Reading, ...]) -> Chart:
        """Read fields and user messages."""
        patient = case.patient
        held: dict[str, Held] = {}
        allergic: list[str] = list(patient.allergies or ())
        for entry in patient.medications or ():
            self._record(held, entry)
        stopped: dict[str, float | None] = {}
        for reading in readings:
            self._from_request(held, allergic, stopped, reading, listed=bool(patient.medications))
        spoken = "\n".join(r.folded for r in readings)
        diagnoses = fold("\n".join(patient.conditions or ()))
        allergies, ingredients = self._allergies(allergic, [t for r in readings for t in _allergy_windows(r)])
        return Chart(
            held=held,
            conditions=frozenset(
                (*self._found(diagnoses), *self._found(spoken), *_from_fields(patient), *measured(spoken))
            ),
            uncontrolled=_UNCONTROLLED.search(diagnoses + "\n" + spoken) is not None,
            decompensated=_DECOMPENSATED.search(diagnoses) is not None or patient.child_pugh is ChildPugh.C,
            allergies=allergies,
            allergy_ingredients=ingredients,
            gestation_weeks=_first(None, _GESTATION, diagnoses + "\n" + spoken),
            pregnant=_pregnant(patient, diagnoses + "\n" + spoken),
            age_years=patient.age_years if patient.age_years is not None else _age(spoken),
            egfr_ml_min=_first(patient.egfr_ml_min, _EGFR, diagnoses + "\n" + spoken),
            weight_kg=_weight(patient, spoken),
            context=spoken + "\n" + diagnoses,
            readings=readings,
            stopped={i: days for i, days in stopped.items() if i not in held},
        )

    def _record(self, held: dict[str, Held], entry: str) -> None:
        folded = fold(entry)
        gone = re.search(r"\b(?:stopped|discontinued|previously|past|held|completed|allergic)\b", folded)
        topical = TOPICAL.search(folded) is not None
        for mention in self._finder.find(entry, folded, listed=True):
            if mention.name.class_id is None and not gone:
                dose = parse(folded, mention.end, len(folded)) if len(mention.ingredients) == 1 else None
                usable = dose is not None and not (dose.weekly or dose.per_kg or dose.units)
                daily = (dose.daily_mg or dose.single_mg) if dose is not None and usable else None
                for ingredient in mention.ingredients:
                    held.setdefault(
                        ingredient,
                        Held(
                            ingredient,
                            mention.name.text,
                            mention.ingredients,
                            Status.TAKEN,
                            topical,
                            recorded=True,
                            daily_mg=daily,
                        ),  # fmt: skip
                    )

    def _from_request(
        self,
        held: dict[str, Held],
        allergic: list[str],
        stopped: dict[str, float | None],
        reading: Reading,
        *,
        listed: bool,
    ) -> None:
        own = _PROXY.search(reading.folded) is not None or _CHILD.search(reading.folded) is not None
        for mention, found in zip(reading.mentions, request_status(reading), strict=True):
            status = Status.TAKEN if found is Status.OTHER and own else found
            if status is Status.ALLERGIC:
                allergic.append(reading.text[max(0, mention.start - 40) : mention.end + 25])
            if status is Status.STOPPED:
                stopped.update(dict.fromkeys(mention.ingredients, _days_since(reading, mention)))
                for ingredient in mention.ingredients:
                    if ingredient in held and not held[ingredient].recorded:
                        del held[ingredient]
            if status not in {Status.TAKEN, Status.ASKED}:
                continue
            around = (
                reading.folded[mention.end : mention.end + 25]
                + " "
                + reading.folded[max(0, mention.start - 15) : mention.start]
            )
            topical = TOPICAL.search(around) is not None
            members = mention.ingredients if mention.name.class_id is None else (mention.name.class_id,)
            for ingredient in members:
                new = Held(
                    ingredient, mention.name.text, mention.ingredients, status, topical, recorded=False, new=listed
                )
                old = held.get(ingredient)
                if old is None or (old.status is Status.ASKED and status is Status.TAKEN):
                    held[ingredient] = new

    def _found(self, folded: str) -> set[str]:
        out: set[str] = set()
        for last, (length, open_end, name) in self._conditions.iter(folded):
            start, end = last - length + 1, last + 1
            if folded[start] < _UNDIVIDED and (
                (start and folded[start - 1].isalnum())
                or (not open_end and end < len(folded) and folded[end].isalnum())
            ):
                continue
            before = folded[max(0, start - 40) : start].rsplit("\n", 1)[-1]
            if _DENIED.search(before) or _OTHER.search(before):
                continue
            out.add(name)
        return out

    def _allergies(self, entries: list[str], windows: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Allergens and ingredients; in `windows`, texts around a word of allergy, only names of allergens count."""
        groups: dict[str, str] = {}
        ingredients: dict[str, str] = {}
        for folded in windows:
            for allergy in self._limits.allergies:
                if any(re.search(rf"(?<!\w){re.escape(fold(n))}(?!\w)", folded) for n in allergy.row.names):
                    groups.setdefault(allergy.row.allergen, "contraindicated")
        for entry in entries:
            folded = fold(entry)
            cap = "moderate" if _INTOLERANCE.search(folded) else "contraindicated"
            found = {i for m in self._finder.find(entry, folded) if m.name.class_id is None for i in m.ingredients}
            for ingredient in found:
                ingredients[ingredient] = cap
            for allergy in self._limits.allergies:
                named = any(re.search(rf"(?<!\w){re.escape(fold(n))}(?!\w)", folded) for n in allergy.row.names)
                if named or found & allergy.ingredients:
                    groups[allergy.row.allergen] = cap
        return groups, ingredients


def _allergy_windows(reading: Reading) -> Iterator[str]:
    """The words beside each word of allergy in a request, within its sentence: `PCN anaphylaxis 2015`."""
    for sentence in reading.sentences:
        for match in _ALLERGY_WORD.finditer(sentence.folded):
            before = sentence.folded[max(0, match.start() - _ALLERGY_REACH) : match.start()]
            if not _DENIED.search(before):
                yield re.split(r"[,;]", before)[-1] + " " + sentence.folded[match.end() : match.end() + _ALLERGY_REACH]


_ALLERGY_WORD = re.compile(r"\b(?:allerg\w*|anaphyla\w*|hives|alergi\w*)")
_ALLERGY_REACH = 25


def _days_since(reading: Reading, mention: Mention) -> float | None:
    sentence = next((s for s in reading.sentences if s.start <= mention.start < s.end), None)
    return None if sentence is None else days_since(reading.folded, sentence.start, sentence.end)


def _from_fields(patient: Patient) -> Iterator[str]:
    """Conditions that fields state: breastfeeding, liver disease, and results outside their limits."""
    if patient.breastfeeding:
        yield "breastfeeding"
    if patient.child_pugh is not None:
        yield "liver disease"
    for lab in patient.labs or ():
        if (limit := _OUTSIDE.get(lab.name)) is not None and limit[1](lab.value):
            yield limit[0]


_OUTSIDE: Mapping[LabName, tuple[str, Callable[[float], bool]]] = {
    LabName.POTASSIUM_MMOL_L: ("hyperkalemia", lambda v: v > 5.5),
    LabName.QTC_MS: ("long qt", lambda v: v >= 500),
    LabName.SODIUM_MMOL_L: ("hyponatremia", lambda v: v < 130),
    LabName.NEUTROPHILS_10E9_L: ("myelosuppression", lambda v: v < 1.0),
    LabName.PLATELETS_10E9_L: ("active bleeding", lambda v: v < 30),
}
"""Condition that a result stands for. Sources: KDIGO 2020 potassium conference; AHA/ACC statement on torsades 2010;
FDA labels, section 5."""


def measured(text: str) -> Iterator[str]:
    """Conditions that numbers in a folded text stand for: `QTc 530 ms`, `K 5.9`, `170/100`."""
    if any(int(m.group(1)) >= _HIGH_SYSTOLIC and 50 < int(m.group(2)) < 160 for m in _PRESSURE.finditer(text)):
        yield "hypertension"
    for pattern, condition, limit in _IN_WORDS:
        if any(float(m.group(1).replace(",", ".")) >= limit for m in pattern.finditer(text)):
            yield condition


_HIGH_SYSTOLIC = 160
_PRESSURE = re.compile(r"(?<![\d/])(\d{3})\s?/\s?(\d{2,3})(?![\d/]|\s?m?c?g\b)")
_IN_WORDS = (
    (re.compile(r"\bqtc?\b[^\d.;\n]{0,25}(\d{3})\b(?!\s?(?:mg|bpm))"), "long qt", 500.0),
    (re.compile(r"\b(?:k\+?|potassium|potasio|kalium|potassio)\b[^\d;\n]{0,15}(\d[.,]\d)\b(?!\s?(?:mg|g\b|%))"),
     "hyperkalemia", 5.6),
)  # fmt: skip


_UNDIVIDED = "\u2e80"
"""From here on scripts write words without spaces between them."""
_INTOLERANCE = re.compile(
    r"\b(?:nausea|upset stomach|stomach upset|diarrh?o?ea|gi upset|intoleran\w+|headache|"
    r"constipation|itch(?:ing|y)? only|drowsy|drowsiness|yeast infection|muscle aches?|cough)\b"
)


def _pregnant(patient: Patient, text: str) -> bool | None:
    if patient.pregnant is not None:
        return patient.pregnant
    for match in _PREGNANT.finditer(text):
        if not _NOT_PREGNANT.search(text[max(0, match.start() - 40) : match.start()]):
            return True
    return None


def _age(text: str) -> float | None:
    if found := _AGE.search(text):
        return float(next(g for g in found.groups() if g))
    if found := _MONTHS.search(text):
        if found.group(1):
            return float(found.group(1)) / 12
        return float(found.group(2)) / 52 if found.group(2) else 0.0
    return None


def _first(known: float | None, pattern: re.Pattern[str], text: str) -> float | None:
    if known is not None:
        return known
    found = pattern.search(text)
    return float(next(g for g in found.groups() if g)) if found else None


def _weight(patient: Patient, text: str) -> float | None:
    if patient.weight_kg is not None:
        return patient.weight_kg
    found = _WEIGHT.search(text)
    if found is None:
        return None
    return float(found.group(1)) if found.group(1) else float(found.group(2)) * 0.4536
