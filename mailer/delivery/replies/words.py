"""What somebody wrote above or below the mail they answer, and what kind of answer it is by its words. Pure.

In ten languages and English. The kind is a suggestion for staff and no more: nothing is done by it, and every reply
can be read, whatever it was taken for.
"""

from __future__ import annotations

import re

from mailer.store.tables.states import ReplyKind

LONGEST = 20_000  # characters that are kept
LOOKED_AT = 600  # characters of what they wrote that say of which kind it is

_RULE = re.compile(r"\s*(?:[-_=]{2,}.{0,60}[-_=]{2,}|[-_]{8,})\s*")  # "----- Original Message -----", "________"
_FIELD = re.compile(r"\s*\*?[^\W\d_][\w -]{0,24}\s?:\*?\s.*\S")  # "From: …", "*Von:* …"
_INTRODUCES = re.compile(r".{6,300}:\s*")  # "On Monday, … wrote:", in whatever language
_TOKEN = re.compile(r"(?<=[/=+])[A-Za-z0-9_-]{32,}")

# What people, and programs in their place, write in each language. An apostrophe may be either sign.
AWAY = {
    "en": (
        "out of (?:the )?office", "on (?:annual |maternity |parental )?leave (?:until|from)",
        "on (?:vacation|holidays?) (?:until|from)", "automatic (?:reply|response)", "auto-?reply",
        "away from (?:my|the) (?:office|desk|mail)", "no longer work(?:s|ing)? (?:here|at|for)",
    ),
    "de": (
        "abwesen", "nicht im (?:büro|haus|dienst)", "automatische (?:antwort|nachricht)",
        "bin (?:bis .{1,30})?im urlaub",
    ),
    "fr": ("je suis absent", "absente? (?:du bureau|jusqu)", "réponse automatique", "en congés?\\b"),
    "es": ("fuera de la oficina", "respuesta automática", "estoy de vacaciones", "estaré ausente"),
    "it": ("fuori ufficio", "risposta automatica", "sono in ferie", "assente dal"),
    "nl": ("ben (?:ik )?afwezig", "niet op kantoor", "automatisch antwoord", "met vakantie"),
    "pl": ("poza biurem", "jestem nieobecn", "na urlopie", "automatyczna odpowiedź"),
    "pt": ("fora do escritório", "resposta automática", "estou de férias", "ausente (?:até|do escritório)"),
    "ar": ("خارج المكتب", "رد تلقائي", "في إجازة"),
    "he": ("מחוץ למשרד", "מענה אוטומטי", "בחופשה"),
    "hi": ("कार्यालय से बाहर", "स्वचालित उत्तर", "छुट्टी पर"),
}  # fmt: skip
REMOVE = {
    "en": (
        r"\bunsubscri", r"\b(?:remove|delete|take) (?:me|my|us|this|our)\b", r"\bopt[ -]?(?:me )?out\b",
        r"\bstop (?:e-?)?(?:mailing|emailing|sending|writing|contact)", r"\bno (?:more|further) (?:e-?)?mails",
        r"\bdo(?:n['’]?t| not) (?:e-?mail|write to|send) me\b",
    ),
    "de": (
        r"\babmeld", r"\babbestell", r"\baustragen\b", r"\baus (?:dem|ihrem|eurem|deinem) verteiler",
        r"\bkeine (?:weiteren )?(?:e-?)?mails?\b", r"\blösch\w* (?:sie )?(?:bitte )?(?:mich|meine)\b",
    ),
    "fr": (
        "désinscri", "désabonn", r"\bretire[rz]?[ -]?moi\b", r"\bsupprime[rz]?[ -]moi\b",
        r"\bne (?:plus|veux plus|souhaite plus|désire plus) (?:rien )?recevoir",
    ),
    "es": (
        r"\b(?:dar|darme|denme|deme) de baja", r"\b(?:elimin|borr)(?:ar|en|e)me\b",
        r"\bno (?:quiero|deseo) (?:recibir|más)", "desuscrib",
    ),
    "it": (
        r"\bcancella(?:r?mi|temi)\b", "disiscri", r"\brimuov(?:ermi|etemi|imi)\b", r"\bnon (?:voglio|desidero) più",
        r"\btoglietemi\b",
    ),
    "nl": (r"\bafmeld", "uitschrijv", r"\bverwijder (?:mij|me|mijn)\b", r"\bgeen (?:e-?)?mails? meer"),
    "pl": (
        r"\bwypis(?:z|ać|anie|ze)", r"\busuń(?:cie)? mnie", r"\brezygnuję",
        r"\bnie chcę (?:już )?(?:otrzymywać|dostawać)",
    ),
    "pt": (
        "descadastr", "desinscrev", r"\bcancelar (?:a |minha )?(?:inscrição|assinatura)",
        r"\bme (?:remov|retir|exclu)\w+", r"\b(?:remov|retir|exclu)\w+-me\b",
        r"\bnão (?:quero|desejo) (?:mais )?receber",
    ),
    "ar": ("إلغاء (?:ال)?اشتراك", r"(?:احذف|أزيل|أزل|ازل)\w*ني", "لا أريد (?:استلام|تلقي)", "توقفوا عن"),
    "he": (
        "(?:הסר|הסירו|תסירו|מחקו|תמחקו|להסיר|למחוק) אותי", "ביטול ה?(?:רישום|הרשמה|מנוי)", "תפסיקו לשלוח",
    ),
    "hi": ("सदस्यता (?:समाप्त|रद्द|हटा)", r"मुझे (?:\S+ ){0,3}हटा", "ईमेल (?:भेजना )?(?:बंद|मत)", "अनसब्सक्राइब"),
}  # fmt: skip
_AWAY, _REMOVE = (
    re.compile("|".join(phrase for phrases in table.values() for phrase in phrases), re.IGNORECASE)
    for table in (AWAY, REMOVE)
)


def kind_of(subject: str, words: str, *, automatic: bool) -> ReplyKind:
    """What kind of reply this probably is. `automatic`: its headers say so. `words` are the writer's own."""
    beginning = words[:LOOKED_AT]
    if automatic or _AWAY.search(beginning[: LOOKED_AT // 3]):
        return ReplyKind.AUTOMATIC
    # A subject that is ours comes back with every reply, so it counts where nothing else was written.
    if _REMOVE.search(beginning) or (not words and _REMOVE.search(subject)):
        return ReplyKind.REMOVE
    return ReplyKind.HUMAN


def own_words(text: str) -> str:
    """What the writer added to the mail they answer. Answers between quoted lines stay with these lines; when nothing
    can be told apart, all of it. Tokens in links are taken out, since they are the person's own keys."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n")[: 4 * LONGEST].split("\n")]
    end = next((place for place in range(len(lines)) if _begins_a_copy(lines, place)), len(lines))
    own = lines[:end] if _has_words(lines[:end]) else lines
    while own and (not own[0].strip() or _is_quoted(own[0]) or _introduces(own, 0)):
        own = own[1:]
    while own and (not own[-1].strip() or _is_quoted(own[-1])):
        own = own[:-1]
    return _TOKEN.sub("…", "\n".join(own) or text.strip()).replace("\0", "")[:LONGEST].strip()


def _begins_a_copy(lines: list[str], place: int) -> bool:
    """Whether the copy of the mail that is answered begins here, by its form: programs say it in every language."""
    line = lines[place]
    rest = [one for one in lines[place + 1 : place + 6] if one.strip()]
    if _RULE.fullmatch(line) and rest and (_FIELD.fullmatch(rest[0]) or _is_quoted(rest[0])):
        return True
    if len(rest) >= 2 and all(_FIELD.fullmatch(one) for one in (line, *rest[:2])):
        return any("@" in one for one in (line, *rest[:2]))
    return _introduces(lines, place) and not _has_words(lines[_quoted_from(lines, place) :])


def _introduces(lines: list[str], place: int) -> bool:
    """Whether the line, alone or with the next one, says who wrote what is quoted below it."""
    return _quoted_from(lines, place) > place


def _quoted_from(lines: list[str], place: int) -> int:
    """Where the lines are that the line at `place` introduces as quoted; `place` where it introduces none."""
    for length in (1, 2):
        said = " ".join(lines[place : place + length])
        if _INTRODUCES.fullmatch(said) and (length == 1 or any(one.isdigit() for one in said)):
            below = place + length
            while below < len(lines) and not lines[below].strip():
                below += 1
            if below < len(lines) and _is_quoted(lines[below]):
                return below
    return place


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _has_words(lines: list[str]) -> bool:
    return any(line.strip() and not _is_quoted(line) for line in lines)
