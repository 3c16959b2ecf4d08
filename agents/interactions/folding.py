"""The plain form of a text that names are matched on: one character for one, so that offsets stay valid."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

_PLAIN = {
    "\u2018": "'", "\u2019": "'", "\u201b": "'", "\u02bc": "'", "\u00b4": "'", "`": "'",
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u00b5": "u", "\u03bc": "u", "\u00df": "s",
}  # fmt: skip


def fold(text: str) -> str:
    """Lower case without accents, quotes and dashes made plain; exactly as long as `text`."""
    return text.lower() if text.isascii() else text.translate(_TABLE)


class _FoldTable(dict[int, int]):
    """Code point to folded code point, filled as characters are met; bounded by the size of Unicode."""

    def __missing__(self, code: int) -> int:
        folded = _fold_char(chr(code))
        self[code] = folded
        return folded


def _fold_char(char: str) -> int:
    plain = _PLAIN.get(char)
    if plain is not None:
        return ord(plain)
    lower = char.lower()
    stem = unicodedata.normalize("NFD", lower)[0] if "LATIN" in unicodedata.name(char, "") else lower
    return ord(stem) if len(stem) == 1 else ord(char)


_TABLE = _FoldTable()


_HAN_PLAIN = (
    "萬万樂乐亞亚侖仑倉仓優优偉伟傷伤倫伦僞伪偽伪體体蘭兰內内淨净剛刚別别劑剂勞劳華华單单盧卢衛卫壓压參参雙双葉叶嗎吗聽听噴喷聖圣復复頭头奧奥寧宁對对爾尔島岛巰巯慶庆"
    "庫库開开異异強强歸归當当憂忧惡恶懸悬撲扑託托時时來来楊杨櫞橼畢毕氣气氫氢瀉泻潑泼漿浆潤润濱滨滅灭靈灵煙烟熱热愛爱狀状瑪玛環环瓊琼鹽盐鹼碱類类紅红約约納纳絡络維维"
    "緩缓纈缬羅罗羥羟羣群翹翘腸肠腎肾膠胶騰腾蘋苹藥药薩萨諾诺貝贝貫贯貼贴賴赖賽赛軟软達达連连釋释針针鈣钙鈉钠鉀钾鐵铁鋁铝銨铵銀银鏈链鋰锂鋅锌鎂镁門门霧雾黴霉韋韦順顺"
    "顆颗飲饮馬马魯鲁麥麦黃黄齊齐龍龙"
)
"""Traditional characters that occur in names of drugs, each before its simplified form."""
_HINDI_PLAIN = (
    (0x940, 0x93F), (0x942, 0x941), (0x948, 0x947), (0x94C, 0x94B), (0x949, 0x94B), (0x911, 0x913), (0x90D, 0x90F),
    (0x908, 0x907), (0x90A, 0x909), (0x910, 0x90F), (0x914, 0x913), (0x901, 0x902), (0x937, 0x938), (0x936, 0x938),
    (0x923, 0x928), (0x929, 0x928), (0x931, 0x930), (0x933, 0x932), (0x958, 0x915), (0x959, 0x916), (0x95A, 0x917),
    (0x95B, 0x91C), (0x95C, 0x921), (0x95D, 0x922), (0x95E, 0x92B), (0x95F, 0x92F),
)  # fmt: skip
"""Code points of Devanagari that transliterated names often confuse: long and short vowels, sibilants, nasals."""
_SCRIPTS: dict[int, int] = {
    **dict(zip(map(ord, _HAN_PLAIN[::2]), map(ord, _HAN_PLAIN[1::2]), strict=True)),
    **dict(_HINDI_PLAIN),
    **{zero + digit: ord("0") + digit for zero in (0x0966, 0x2080, 0xFF10) for digit in range(10)},
    **{wide + letter: ord("a") + letter for wide in (0xFF21, 0xFF41) for letter in range(26)},
}
_SPACED = str.maketrans({"-": " ", "\n": " ", "\t": " ", "_": " "})
_LOOSE = re.compile(
    r"(?<=\w)(?:[ \t]*\n[ \t]+|[ \t]+\n[ \t]*|[ \t]{2,})(?=\w)|[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff\u093c]"
)


def script_fold(folded: str) -> str:
    """A folded text for comparing names: hyphens are spaces, traditional Chinese is simplified, Hindi vowels and
    sibilants that are often confused are one, wide letters are narrow; exactly as long as `folded`."""
    spaced = folded.translate(_SPACED)
    return spaced if spaced.isascii() else spaced.translate(_SCRIPTS)


class Squeezed:
    """A text without doubled spaces, soft hyphens and combining marks, and the way back to its places."""

    def __init__(self, text: str) -> None:
        cuts: list[tuple[int, int]] = []
        pieces: list[str] = []
        read = written = 0
        for match in _LOOSE.finditer(text):
            instead = " " if match.group()[0].isspace() else ""
            pieces.append(text[read : match.start()] + instead)
            written += match.start() - read + len(instead)
            read = match.end()
            cuts.append((written, read - written))
        self.text = "".join((*pieces, text[read:])) if cuts else text
        """The squeezed text."""
        self._cuts = cuts

    def place(self, offset: int) -> int:
        """Where the character stood before."""
        if not self._cuts:
            return offset
        found = bisect_right(self._cuts, offset, key=lambda cut: cut[0])
        return offset + (self._cuts[found - 1][1] if found else 0)
