"""The quotation marks of a language, in place of straight ones, for templates that ask for them."""

from __future__ import annotations

from collections.abc import Mapping

Marks = tuple[str, str, str, str]  # outer pair, inner pair

ENGLISH: Marks = ("“", "”", "‘", "’")
# Delimiters of the Unicode CLDR 48: every language that doesn't use the English ones. Ours are the narrow no-break
# spaces (U+202F) that French is printed with, the chevrons of Swiss German, and what Spanish,
# Croatian and Dutch papers print.
_CODES: Mapping[Marks, str] = {
    ("«", "»", "“", "”"): "ast blo bm br ca cv dyo el es eu ewo ie it kab kk lij mg mua nnh pms pt-ao pt-ch pt-cv "
                          "pt-gq pt-gw pt-lu pt-mo pt-mz pt-pt pt-st pt-tl sc sg ti",
    ("„", "“", "‚", "‘"): "bs-cyrl cs de dsb et hsb is ksh lb luy mk nds sk sl",
    ("«", "»", "‹", "›"): "am az-arab az-cyrl de-ch fa fr-ch gsw jgo kkj mzn rm sdh wae",
    ENGLISH: "bm-nkoo es-419 es-ar es-cl es-co es-mx es-pe es-us ff-adlm uz-arab uz-cyrl",
    ("«", "»", "„", "“"): "bas be bua ky os ru sah tyv uk",
    ("”", "”", "’", "’"): "fi he iw lag rn se sn sv yi",
    ("«", "»", "‘", "’"): "dua el-polyton ksf nb nn no rw",
    ("”", "“", "’", "‘"): "ar lld ms-arab syr ur",
    ("„", "“", "„", "“"): "bg lt prg sgs",
    ("‘", "’", "“", "”"): "fur ia ti-er tn",
    ("«", "»", "«", "»"): "ht hy oc yav",
    ("「", "」", "『", "』"): "ja yue zh-hant",
    ("„", "”", "«", "»"): "nmg pl ro",
    ("„", "”", "‚", "’"): "agq ff hr",
    ("„", "”", "»", "«"): "hu szl",
    ("»", "«", "›", "‹"): "kk-arab ug",
    ("«", "»", "„", "”"): "shi zgh",
    ("„", "”", "‘", "’"): "bs",
    ("“", "”", "«", "»"): "eo",
    ("«\u202f", "\u202f»", "‹\u202f", "\u202f›"): "fr",
    ("„", "“", "«", "»"): "ka",
    ("„", "”", "’", "’"): "sr",
    ("“", "’", "“", "”"): "st",
    ("“", "”", "“", "”"): "tk",
    ("“", "”", "’", "‘"): "uz",
}  # fmt: skip
_MARKS = {code: marks for marks, codes in _CODES.items() for code in codes.split()}


def quotes_for(language: str) -> Marks:
    """The marks of a BCP 47 language: its own, or else those of what is left without its last subtags."""
    parts = language.replace("_", "-").lower().split("-")
    codes = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((_MARKS[code] for code in codes if code in _MARKS), ENGLISH)
