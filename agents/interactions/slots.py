"""Where the name of a drug stands: beside a dose, a form or a frequency, behind a word for taking or calling. Offsets
are those of a folded text, in English, Spanish, French, German, Portuguese, Chinese and Hindi."""

from __future__ import annotations

import re

_REACH = 40
"""Characters before a word that are looked at."""
_UNIT = (
    r"(?:mg|mcg|ug|g|gm|grams?|gramos?|iu|ui|ie|units?|unidades|unites|einheiten|ml|milligram\w*|miligram\w*|"
    r"microgram\w*|毫克|微克|单位|मिलीग्राम|मिग्रा|माइक्रोग्राम|एमजी)"
)
_MEASURED = r"\s?%|\s?(?:/|por|per|par|pro)\s?(?:d?l\b|\d|min|cm|m2|m\u00b2|litro|mmol)"
"""Behind an amount: a laboratory value or a rate, not a dose."""
_AMOUNT = rf"\d[\d.,]*(?:\s?(?:-|to|a|bis|or|/)\s?\d[\d.,]*)?\s?-?{_UNIT}(?![a-z]|{_MEASURED})"
_RELEASE = (
    r"(?:xr|xl|er|sr|cr|la|od|dr|ec|lp|retard|forte|plus|mr|pr|oral|tablets?|capsules?|comprimidos?|tabletten|"
    r"sodium|hcl)"
)
_AT = r"(?:at|at a dose of|de|von|a|zu|en dosis de|a la dose de|in a dose of|einer|每次|每日|剂量)"
_MARK = r"[\u00ae\u2122]?(?:\s?\((?:r|tm|generic)\))?"
_DOSE_BEHIND = re.compile(rf"{_MARK}(?:[\s-]{_RELEASE})?[\s,:()*\uff0c\uff08]*(?:{_AT}\s?)?{_AMOUNT}")
_DOSE_BEFORE = re.compile(rf"{_AMOUNT}(?:\s(?:tablets?|capsules?|comprimidos?))?(?:\s(?:of|de|von|di))?\s?$")
_SOLID = r"(?:tablets|capsules|caplets|comprimidos|capsulas|comprimes|gelules|tabletten|kapseln)"
"""Nothing but a medicine comes in these."""
_SOLID_BEHIND = re.compile(rf"{_MARK}[\s-]{_SOLID}\b")
_SOLID_BEFORE = re.compile(rf"(?:{_SOLID}|pills|pastillas) (?:of|de|d'|di|von)\s$")
_FORM_BEHIND = re.compile(
    rf"{_MARK}[\s-]?(?:tablets?|capsules?|caplets?|pills?|injections?|infusions?|syrup|suppositor\w+|inhaler|"
    r"comprimidos?|pastillas?|capsulas?|comprimes?|gelules?|tabletten?|kapseln?|inyeccion|injecao|片|胶囊|注射液|"
    r"की गोली|गोली|टैबलेट|कैप्सूल|इंजेक्शन)(?![a-z])"
)
_OFTEN_BEHIND = re.compile(
    r"[\s,\uff0c]*(?:(?:once|twice|three times|thrice|four times) (?:a |per )?(?:day|daily|week|weekly)|daily|bid|tid|"
    r"every \d+ hours|(?:una vez|dos veces|tres veces) al dia|cada \d+ horas|(?:une|deux|trois|[123]) fois par jour|"
    r"(?:ein|zwei|drei)mal (?:am|pro tag|taglich)|(?:uma vez|duas vezes|tres vezes) (?:ao|por) dia|"
    r"a cada \d+ horas|每日|每天|दिन में)(?![a-z])"
)
_TAKEN_BEFORE = re.compile(
    r"(?:\b(?:tak(?:e|es|ing|en)|took|swallow(?:ing)?|prescrib\w+|start(?:ed|ing)? (?:on|taking|you on|him on|her on)|"
    r"switch\w* (?:you |him |her )?to|dos(?:e|es|age) of|administer\w*|"
    r"tom(?:e|o|a|an|ar|ando)|recet\w+|dosis de|administr\w+|prescri\w+|"
    r"pren(?:ds|ez|dre|d|nent|nez)|dose de|doses de|nehm\w*|nimmt|einnehmen|verschr\w+|verordn\w+|dosis von|"
    r"receit\w+)(?: (?:the|your|some|any|both|el|la|su|le|du|votre|das|die|o|a))?\s|"
    r"(?:服用|口服|注射|处方|改用|吃)\s?)$"
)
_CALLED_BEFORE = re.compile(
    r"(?:\b(?:medicine|medication|drug|antibiotic|painkiller|pill|tablet|medicamento|farmaco|antibiotico|medicament|"
    r"antibiotique|medikament|arzneimittel|antibiotikum|wirkstoff|remedio)(?:s? (?:called|named|llamad[oa]s?|appeles?|"
    r"namens|chamad[oa]s?|known as))? |(?:名为|叫做|药物|药品)\s?)$"
)
_PERSON = re.compile(r"\b(?:dr|mr|mrs|ms|prof|sr|sra|mme|mlle|herr|frau|dona)\.?\s$")
_WORD_BEFORE = re.compile(r"([a-z]+) $")
_OPENING = frozenset('.!?:;\u2022\u00b7*-\u2013\u2014("\u201c\u00ab\n\u3002\uff1a\uff01\uff1f\u0964')
"""Behind these a word is capitalised whatever it is."""


def is_dosed(folded: str, start: int, end: int) -> bool:
    """A dose stands directly behind or before a word, or a form that only medicines come in behind it."""
    if _DOSE_BEHIND.match(folded, end) or _SOLID_BEHIND.match(folded, end):
        return True
    return _DOSE_BEFORE.search(folded, max(0, start - _REACH), start) is not None


def is_taken(folded: str, start: int, end: int) -> bool:
    """A word for taking or calling a medicine stands directly before, or a form or frequency directly behind."""
    low = max(0, start - _REACH)
    return any(p.search(folded, low, start) for p in (_SOLID_BEFORE, _TAKEN_BEFORE, _CALLED_BEFORE)) or any(
        p.match(folded, end) for p in (_FORM_BEHIND, _OFTEN_BEHIND)
    )


def names_a_person(folded: str, start: int) -> bool:
    """A title stands directly before."""
    return _PERSON.search(folded, max(0, start - _REACH), start) is not None


def word_before(folded: str, start: int) -> str:
    """The word directly before, empty where there is none."""
    found = _WORD_BEFORE.search(folded, max(0, start - _REACH), start)
    return "" if found is None else found.group(1)


def is_inside(text: str, start: int) -> bool:
    """Within a sentence, where a capital says something."""
    ahead = text[:start].rstrip(" ")
    return bool(ahead) and ahead[-1] not in _OPENING
