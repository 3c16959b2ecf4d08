"""What makes an ambiguous word a drug: doses, forms and verbs of taking near it, in eight languages."""

from __future__ import annotations

import re

_NEAR = 40
"""Characters on each side of a name that are looked at."""
_UNIT = (
    r"\d\s?(?:mg|mcg|ug|g|ml|units?|iu|ui|ie|meq|tablets?|pills?|caps|comprimidos?|comprimes?|tabletten|compresse|"
    r"片|毫克|\u092e\u093f\u0932\u0940\u0917\u094d\u0930\u093e\u092e)"
)
_DOSE = re.compile(
    rf"{_UNIT}|\b(?:tablets?|pills?|capsules?|supplements?|inject\w*|"
    r"infusion|therapy|treatment|pen|patch|gel|dose[sd]?|dosing|units|auto-?injector|im|iv|replacement|"
    r"prescri\w+|tak(?:e|es|ing|en)|on|start\w*|use|using|stop\w*|add\w*|"
    r"tom(?:o|a|e|as|an|ar|ando|aba|ado|e)|receto|recetaron|suplementos?|pastillas?|inyeccion\w*|dosis|"
    r"prend(?:s|re|ez|o|e|ere|iamo)?|pris(?:e|es)?|prescri\w+|complement|gelules?|traitement|"
    r"nehme[nt]?|nimmt|einnehm\w*|einnahme|genommen|eingenommen|verschrieben|tablette\w*|spritze\w*|dosis|"
    r"tomei|tomando|uso|usar|comprimido\w*|receitou|assum\w+|integrator[ei]|terapia|compress[ae]|dose|dosi)\b|"
    r"服用|吃|片|药|注射|剂量|\u0926\u0935\u093e|\u0917\u094b\u0932\u0940|\u0932\u0947 \u0930\u0939|\u0916\u093e"
)
_INTAKE = re.compile(
    r"\b(?:drink\w*|eat\w*|glass\w*|cups?|with|take|takes|taking|supplements?|capsules?|juice|food|diet|extract|pills?|"
    r"beers?|avoid\w*|coffee|consum\w*|intake|use|using|smok\w*|"
    r"beb\w+|com(?:o|er|iendo|emos|endo)|tom(?:o|a|ar|ando|e)|jugo|zumo|suplementos?|evit\w+|con|vaso|"
    r"boi[rst]\w*|buv\w+|mang\w+|prend\w*|jus|avec|verre|complement|"
    r"trink\w*|ess(?:e|en)|isst|nehme[nt]?|nimmt|saft|mit|glas|meide\w*|"
    r"suco|sumo|com|copo|comer|succo|bere|bevo|mangi\w+|assum\w+|bicchiere)\b|"
    r"喝|吃|服|饮|汁|\u092a\u0940|\u0916\u093e|\u0930\u0938|\u0938\u093e\u0925"
)
_ALCOHOL = re.compile(r"\b(?:heavi\w*|binge|social\w*|drinks?|alcohol|night|weekends?|party|problem|stop|quit|while)\b")
_WATER = re.compile(r"\b(?:water|juice|milk|tea|coffee|fluids?|plenty|enough|more)\b")
_BEFORE = re.compile(
    r"(?:\b(?:tak(?:e|es|ing|en)|took|on|prescribed|start(?:s|ed|ing)?|stop(?:s|ped|ping)?|us(?:e|es|ed|ing)|"
    r"(?:switch|chang)\w* (?:from|to)|with|avoid(?:ing)?|tried|try|given|gave|give|adding|add|of|called|like|as|and|or|"
    r"tom(?:o|a|as|an|ar|ando|aba|e|ei)|con|prend(?:s|re|o|e|ere)|pris|avec|sous|nehme[nt]?|nimmt|mit|assum\w+|com|"
    r"inject(?:s|ed|ing)?|mg|brand|generic|drug|medication|medicine)|服用|吃|[+/&,])"
    r"(?: (?:my|her|his|your|their|the|a|an|some|any|more|daily|oral|mi|su|el|la|mon|ma|son|sa|le|du|de|mein\w*|das|"
    r"die|il|lo|o|meu|minha|both|either))? ?$"
)
_BEHIND = re.compile(
    rf"['\u2019]?s? ?(?:\u00ae|\u2122|\(|{_UNIT}|\d+(?:/|\b)|"
    r"(?:tab|pill|cap|cream|gel|spray|inhal|inject|shot|dose|"
    r"dosing|pen|patch|drop|syrup|suppl|therap|treat|xr|xl|er|sr|cr|retard|forte|plus|for my|"
    r"for his|for her|daily|twice|"
    r"once|every|prescri|medic|comprim|tablet|gel|cap|jarabe|gotas|sirop|tropfen|saft|gocce)\w*)"
)


def dosed(plain: str, start: int, end: int) -> bool:
    """A dose, form or verb of taking stands near."""
    return _DOSE.search(_around(plain, start, end)) is not None


def taken_in(plain: str, start: int, end: int) -> bool:
    """Something eaten, drunk or used stands near."""
    return _INTAKE.search(_around(plain, start, end)) is not None


def drunk(plain: str, start: int, end: int) -> bool:
    """The talk is of alcohol, not of water."""
    around = _around(plain, start, end)
    return _ALCOHOL.search(around) is not None and _WATER.search(around) is None


def governed(plain: str, start: int, end: int) -> bool:
    """A verb of taking stands right before, or a dose or form right behind: names of people and things seldom do."""
    return _BEHIND.match(plain, end) is not None or _BEFORE.search(plain, max(0, start - _NEAR), start) is not None


def alone(plain: str, start: int, end: int) -> bool:
    """Nothing else is said."""
    return not any(c.isalpha() for c in plain[:start]) and len(plain) - end <= _NEAR and not plain[end:].strip(" .,;?!")


def _around(plain: str, start: int, end: int) -> str:
    return plain[max(0, start - _NEAR) : start] + " " + plain[end : end + _NEAR]
