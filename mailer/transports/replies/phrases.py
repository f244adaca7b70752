"""The phrases that say who a reply is about and whose fault it is: an ordered table.

The first matching row decides, so higher rows beat lower ones: a reply about a full mailbox, a blocklist or our own
sender is never taken for a missing person. The phrases were collected from the documentation and the public source of
mail servers and from their replies; `source` names which servers use them. `classify` combines the table with the
codes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from mailer.transports.base import ReplyClass

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS
MOST_CHARACTERS = 2_000  # of a reply; the rest is ignored


class About(StrEnum):
    """Who or what a reply is about."""

    RECIPIENT = "recipient"
    DOMAIN = "domain"  # the recipient's
    MAILBOX = "mailbox"  # it is there, and full, locked or away
    SENDER = "sender"  # our address or our right to use it
    CLIENT = "client"  # our host: HELO, reverse DNS
    RELAY = "relay"  # whether we may hand over mail there at all
    RATE = "rate"
    CONTENT = "content"
    REPUTATION = "reputation"
    POLICY = "policy"  # refused by a rule; who it is about isn't said
    SYSTEM = "system"  # the receiving system, the network
    NOBODY = "nobody"  # the words don't tell


US = frozenset((About.SENDER, About.CLIENT, About.RELAY))


@dataclass(frozen=True, slots=True)
class Phrase:
    """One row. `weak`: a code that isn't generic beats it."""

    about: About
    reply_class: ReplyClass
    pattern: re.Pattern[str]
    source: str
    weak: bool = False


# What people, mailboxes and senders are called. Spelled without accents, as `plain` leaves it.
_WHO = (
    r"(?:users?|user ?id|user ?name|mail ?box|recipients?|rcpt|addressee|(?<!ip )(?<!source )address(?:es)?|account"
    r"|alias|mail ?drop|customer|subscriber|member|person|individual|employee|local.?part|inbox|contact|e-?mail)"
)
_MISSING = (
    r"(?:unknown|not (?:be )?found|not known|unrecogni[sz]ed|not recogni[sz]ed"
    r"|(?:does|do|did) ?n[o']?t (?:appear to )?exist|not exists?|not existent|isn't (?:known|valid|here)"
    r"|non-?exist\w*|invalid|not (?:a )?valid|not listed|not (?:on|at) this|not here|not local|undeliverable"
    r"|unavailable to receive|(?:could|can) ?n[o']t be found|not (?:present|available|active)|missing"
    r"|no longer (?:exists?|valid|active|in use|available|with|works?|on this|accept\w*|monitored|an? )"
    r"|has (?:left|moved)|not (?:our|a) (?:customer|user|subscriber)|unknown_user)"
)
_SENDER = (
    r"(?:(?:envelope|return|reverse).?(?:sender|from|path|address)(?: address)?"
    r"|sender(?:'s)?(?: e-?mail)?(?: address)?(?: domain)?|from (?:address|header|field|domain)|sending domain"
    r"|mail ?from(?: address| domain)?|originator|absender\w*|expediteur|remitente|mittente|remetente|afzender)"
)
_WRONG = (
    r"(?:rejected|refused|unknown|invalid|malformed|incorrect|(?:does|do) ?n[o']?t (?:exist|resolve|match)"
    r"|not (?:be )?(?:found|exist|valid|verif\w+|recogni[sz]ed|accepted|owned|resolv\w+|deliverable|a valid"
    r"|allowed to send)"
    r"|undeliverable|unresolvable|unverif\w+|must (?:exist|resolve|be)|could ?n[o']t (?:be )?(?:verif|resolv)\w+"
    r"|(?:has )?no (?:mx|a )|null ?mx|denied|non-?exist\w*|illegal|missing|ungultig|unbekannt|inconnu|inexistant"
    r"|desconocid\w|inesistente|sconosciuto|inexistente|onbekend|mismatch|disabled|suspended)"
)


def _row(about: About, reply_class: ReplyClass, source: str, *patterns: str, weak: bool = False) -> Phrase:
    return Phrase(about, reply_class, re.compile("|".join(patterns)), source, weak)


PHRASES: tuple[Phrase, ...] = (
    _row(
        About.MAILBOX,
        SOFT,
        "full: RFC 3463 x.2.2, Exchange, Exim, Dovecot, qmail, vpopmail, Gmail, Yahoo, Orange, web.de",
        r"over.?quota|\bquota\b.{0,40}(?:exceed|full|reach|limit|violat|over)|exceed\w*.{0,60}\bquota",
        r"(?:hard|disk|mail\w*) ?quota",
        r"(?:mail ?box|mail ?folder|mail ?dir|inbox|account|user|recipient|storage|message store|mail ?file|disk"
        r"|spool|<address>)(?:'s)?\b(?:[^.;]|\.\w){0,50}\b(?:(?:is|are|was|has|currently|too|already|almost) ){0,3}"
        r"(?:full\b|over (?:its |the |allowed )?(?:limit|size|storage|quota)|exceed\w* .{0,30}(?:size|storage"
        r"|space|limit"
        r"|allocat|allowed))",
        r"(?:mail ?box|account|inbox) (?:size )?(?:limit )?(?:has been )?(?:is )?(?:exceeded|too large)",
        r"mailbox_?full|mailboxfull",
        r"(?:not enough|insufficient|no|out of|low) (?:system |disk |storage |free |mail )*(?:storage|space)\b",
        r"no space left|disk full|\bfull (?:mail ?box|inbox|folder)|storage (?:limit|allocation|size)|storeexceeded",
        r"quotaexceeded|retained messages|boite.{0,40}(?:pleine|saturee)",
        r"(?:casilla|buzon|mailbox)\b.{0,30}\bllen[oa]|postfach.{0,40}(?:voll|uberfull)|piena\b|\bcheia\b",
        r"espaco.{0,20}(?:insuficiente|esgotado)|переполнен|空间不足|邮箱已满|容量.{0,6}(?:超|不足)|一杯|容量オーバー",
    ),
    _row(
        About.REPUTATION,
        POLICY,
        "blocklists and their names; Spamhaus, SpamCop, Proofpoint, Microsoft, Barracuda, Cisco",
        r"\b(?:black|block|deny|ban|drop|reject)[- ]?(?:list|hole)|block list|\bdns ?-?(?:bl|rbl)|\brbl",
        r"\b(?:ur|su|ms|h)ibl\b|\bsurbl|spamhaus|spamcop|\bsorbs\b|senderbase|senderscore|njabl|\bordb\b|\bdsbl\b",
        r"\b[csxp]bl\b|abuseat|cloudmark|dul\b|mailspike|\breputation|is listed (?:in|at|by|on)",
        r"listed (?:in|at|by) (?:the )?\S+\.(?:org|net|com)|banned|badmailfrom|poor score",
        r"(?:\bip\b|\bhost\b|client|server|network|sender|domain|connection|<address>)(?:[^.;]|\.\w){0,40}\b(?:is |are "
        r"|been |was )*(?:blocked|blacklisted|banned)",
        r"blocked (?:using|by|for|due|because|at|from)|\bas\(?(?:7[0-9]{2})\b|(?:dynamic|residential)\b.{0,20}\bip",
        r"(?:dial-?up|open (?:relay|proxy))|5\.7\.606|s3140",
    ),
    _row(
        About.CONTENT,
        POLICY,
        "spam, viruses, authentication of the mail: SpamAssassin, ClamAV, Gmail, Yahoo, AOL, RFC 7372",
        r"spam|unsolicited|\bub[em]\b|\buce\b|bulk (?:e-?)?mail|junk|phish|malware|virus|infected|trojan|malicious",
        r"suspicious|\bscam\b|\bspf\b|\bdkim\b|\bdmarc\b|domainkeys|unauthenticated|sender ?id (?:test|check|fail)",
        r"not authenticated|authentication check|complain|\babus",
        r"content.{0,30}(?:reject|filter|polic|violat|restrict|not accept|denied|block|prohibit|unaccept|deemed)",
        r"(?:reject|block|filter|refus|not accept)\w*.{0,40}\b(?:content|attachment)|attachment|profan|executable",
    ),
    _row(
        About.POLICY,
        POLICY,
        "groups and people who take mail from some only: Exchange 5.7.133, Domino, Google Groups, Mailman",
        r"not (?:authori[sz]ed|authenticated|allowed|permitted|approved|accepted) (?:to (?:send|e-?mail|post|mail"
        r"|write)(?! as| from)|for (?:group|this|the)|for .{0,30}recipient)",
        r"resolver\.rst\.|(?:restricted|only accepts?) (?:to|mail|e-?mail|messages)|permission to (?:post|send)",
        r"notauth|do(?:es)? not wish to|not in (?:the )?(?:allow|white|safe)|not a member|whitelist",
        r"only accepting mail from|is not subscribed to|members-only|closed mailing|by non-member|not pre-approved",
    ),
    _row(
        About.SENDER,
        OURS,
        "Postfix smtpd, Exim sender verification, Sendmail, Exchange, Courier, MailProtect",
        r"sender (?:address )?(?:verif|callout|callback)|(?:verif\w*|call ?(?:back|out)) .{0,40}\bsender",
        r"verification failed for|call(?:back|out) (?:setup |verification )?fail|invalid dns mx",
        rf"\b{_SENDER}\b(?! (?:to|is not allowed to send to))(?:[^.;]|\.\w){{0,60}}?\b{_WRONG}"
        r"(?! by (?:the |this )?(?:user|recipient|addressee))",
        rf"\b{_WRONG} (?:{_SENDER})\b",
        r"bad sender|fake sender|domain of (?:the )?sender|(?:unknown|invalid) (?:return|reverse)[- ]path",
        r"mail from (?:an? )?(?:unknown|unverified|nonexist\w+) (?:user|sender|domain|address)",
        r"mail from <address>.{0,20}(?:reject|refus|not accept)\w*\b(?! by)|not owned by|owned by user|sendasdenied",
        r"not allowed to send mail from|permissions? to send as|bogus mail from|address is not verified|valid sender",
        r"required for sender|unrouta?e?a?ble sender|from: .{0,30}(?:invalid|unknown|not )|sender domain is empty",
        r"emetteur.{0,20}(?:invalide|inconnu)|send(?:ing)? (?:as|on behalf)|sending account|own(?:er)? of the sender",
        r"(?:disabled|suspended|blocked|not (?:allowed|permitted|authori[sz]ed)) (?:for|from"
        r"|to) send(?:ing)?\b(?! to)",
        r"outbound sender",
        r"your (?:e-?mail )?(?:account|domain|sender|return).{0,40}(?:disabled|suspended|does ?n[o']t exist|invalid"
        r"|unknown|not (?:resolve|found))",
    ),
    _row(
        About.CLIENT,
        OURS,
        "HELO and reverse DNS: Postfix, Exim, Sendmail, AOL, T-Online, RFC 7372",
        r"\b(?:helo|ehlo)\b|\br?dns\b.{0,20}\bptr\b|\bptr\b|reverse.?(?:dns|lookup|hostname|host|map|name|ip|resol)",
        r"\brdns|fcrdns|cannot (?:find|resolve) your (?:host|reverse|ip)|cannot find your",
        r"your (?:host ?name|hostname|server name|dns).{0,40}(?:not|unknown|fail)",
        r"(?:client|sending|connecting) (?:host|ip|server)\w*.{0,40}(?:not (?:be )?(?:found|resolv\w+)"
        r"|does not resolve|unresolv\w+|no name)",
        r"\bip (?:address )?.{0,40}(?:no host ?name|lookup failed|not resolve|not found)|missing.{0,12}hostname",
        r"(?:resolve|unresolvable) (?:your|relay|client) (?:address|host)|(?:mismatch|not match)\w* .{0,20}client",
    ),
    _row(
        About.RELAY,
        OURS,
        "relaying and login: Postfix, Sendmail, Exim, Exchange 5.7.64, qmail rcpthosts, RFC 4954",
        r"(?<!or user isn't in my list of allowed )rcpthosts|you are trying to use me|insecure mail relay",
        r"requires (?:authentication|encryption)|rcpt before auth",
        r"relay(?:ing)?(?: access| mail)?(?: to \S+)? (?:is )?(?:denied|not|prohibited|refused|forbidden|disallowed"
        r"|failed|error|operation)",
        r"(?:not|unable|cannot|can't|refus\w+|forbidden|without|prohibit\w*|no|don't|permi\w+"
        r"|authori[sz]\w+)(?: \w+){0,3} (?:to )?relay",
        r"relay(?:ing)? (?:attempt|through)|open relay|not? (?:a |an )?(?:open )?relay|gateway.{0,20}relay",
        r"tenantattribution|auth(?:entication|entification|orization)? (?:is )?(?:required|needed|first)",
        r"must (?:first )?(?:auth\w*|log ?in|check.{0,12}mail)|pop before smtp",
        r"(?:starttls|tls|encryption) (?:command )?(?:is )?(?:required|needed|first)|must issue (?:a )?starttls",
    ),
    _row(
        About.CONTENT,
        POLICY,
        "size and form of the message: RFC 1870, RFC 5322, Exchange, Gmail",
        r"message (?:is |was )?(?:too (?:big|large|long)|size)|too (?:big|large|long) |size (?:limit|exceed)",
        r"maximum .{0,40}(?:size|length)|(?:exceeds?|exceeded|larger).{0,40}(?:size|length|bytes|kb|mb\b)",
        r"(?:message|mail).{0,20}(?:exceed|larger than)|messagetoolarge",
        r"(?:header|message-id|\bdate\b|mime|bare (?:lf|cr)|line).{0,40}(?:malformed|missing|invalid|duplicate"
        r"|too long|not allowed|illegal|syntax|format)",
        r"(?:malformed|missing|invalid|duplicate) (?:mime |date |subject |message.?id|header)",
        r"rfc ?-?(?:2?822|5322)\b|8-?bit|smtputf8|non-?(?:compliant|ascii)|conversion (?:required|to)",
    ),
    _row(
        About.RATE,
        SOFT,
        "Gmail 4.2.1 and 5.2.1, Yahoo, Outlook.com, Postfix anvil, Exim ratelimit, Comcast",
        r"\brates?\b|rate.?limit|too (?:many|much|fast|quick\w*|frequent\w*|often)|throttl|slow ?down|excessive",
        r"flood|additional messages",
        r"(?:connection|message|session|sending|recipient|hourly|daily|concurrent|mail)s? (?:\w+ )?(?:limit|quota)",
        r"over.?limit|limit(?:s)? (?:was |has been |is )?(?:exceeded|reached)",
        r"exceed\w*.{0,40}(?:limit|maximum|number|allowed)|per (?:hour|minute|day)|concurren|resource",
    ),
    _row(
        About.SYSTEM,
        SOFT,
        "for the moment: greylisting, DNS that didn't answer, RFC 5321 §4.2.2",
        r"temporar|try (?:again |it )?(?:later|in \d|after|shortly)|try again\b(?!.{0,20}address)|\bretry",
        r"(?:grey|gray).?list|\bdeferred|timed? ?-?out",
        r"(?:currently|presently|momentarily) (?:un|not |down|busy|offline)",
        r"service (?:is )?(?:not )?(?:un)?available|overload|too busy|\bbusy\b|maintenance",
        r"not (?:available|accepting).{0,20}(?:now|time|moment|currently)|at (?:this|the) (?:time|moment)",
        r"(?:dns(?! hard error)|name ?server|lookup|resolver|ldap|database|sql|backend)\b.{0,30}\b(?:fail|error"
        r"|unreachable|unavail|problem|timeout)\w*",
        r"servfail|connection (?:refused|reset|closed|lost|dropped|timed)",
        r"(?:network|host|no route).{0,12}(?:unreachable|to host)|could not connect|unable to connect|hop count",
        r"(?:mail|routing|forwarding).{0,10}loop|loops? back|delivery (?:time )?expired|message (?:has )?expired",
    ),
    _row(
        About.MAILBOX,
        SOFT,
        "there, and closed for now: suspended, locked, on holiday",
        rf"{_WHO}\b(?:[^.;]|\.\w){{0,40}}\b(?:suspended|locked|frozen|on hold|on vacation|away|over capacity)",
        r"suspended (?:user|mailbox|account)",
    ),
    _row(
        About.RECIPIENT,
        HARD,
        "no such person: Postfix, Exim, Sendmail, qmail, Exchange, Gmail, Yahoo, AOL, Outlook.com, Domino, Zimbra …",
        r"\b(?:unknown|invalid|bad|illegal|wrong|non-? ?exist\w+|no such|unrecogni[sz]ed)(?: (?:or|and"
        r"|/) ?\w+| (?:local|virtual|smtp|mail|e-?mail|destination|target|final|recipient'?s?|remote|rcpt|to|user"
        rf"|internal))*[ _-]?{_WHO}",
        rf"\b{_WHO}\b(?!(?:[^.;]|\.\w){{0,20}}\bdomain)(?:[^.;]|\.\w){{0,60}}?\b{_MISSING}",
        r"no such (?:person|one|addressee|mailbox|user|here|recipient)|no (?:one|body) at this|not in my validrcptto",
        r"badr(?:cpt|ecipient)to|nobody (?:here|by|with|named)",
        r"no ?(?:mail ?box|user|account|person|body|one) (?:here|by (?:that|this)|with (?:that|this)|of that|found"
        r"|match\w*|exist\w*|name)",
        r"(?:not|isn't) our (?:customer|user|member)|does(?:n't| not) have an? .{0,40}(?:account|mailbox)",
        r"user ?unknown|unknown ?user|unknown_user|(?:recip\w*|user|addr\w*) ?not ?found|resolver\.adr\.(?:ex)?recip",
        r"not a (?:known|valid|local|registered|current|recogni[sz]ed) (?:user|recip\w+|mail\w*|addr\w+|account)",
        r"unrout(?:e)?able address|5\.1\.1[ >]+unknown|no mail ?box|#5\.1\.0 address rejected",
        r"can't accept user|no \S{1,60} in (?:the )?name directory",
        r"not (?:listed|found) in (?:(?:the|our|public|domino|name|address|directory) )+",
        r"5\.4\.1 \[?<?(?:address)?>?:? ?recipient address rejected: access denied|as\(2018\d+\)",
        r"mailbox unavailable (?:\(s20\d|or not local)",
        r"(?:destinataire|adresse|utilisateur|compte|boite|usager)\b.{0,50}(?:inconnue?|inexistante?|n'existe pas"
        r"|introuvable|invalide|non valide)",
        r"(?:empf\W{0,3}a?e?nger|adressat|benutzer|postfach|adresse|konto|teilnehmer"
        r"|mailbox)\w*\b.{0,50}(?:unbekannt|nicht (?:gefunden|bekannt|vorhanden)|existiert nicht|ungultig"
        r"|gibt es nicht)",
        r"(?:unbekannte[rs]?|ungultige[rs]?) (?:empf|benutzer|adress|postfach)",
        r"(?:destinatario|usuario|cuenta|direccion|buzon|casilla|usuari[ao]|conta|endereco|utente|casella"
        r"|indirizzo)\b.{0,50}(?:desconocid[oa]|desconhecid[oa]|inexistente|no existe|nao existe|n.o existe"
        r"|sconosciut[oa]|non esiste|inesistente|no encontrad[oa]|invalid[oa])",
        r"no existe (?:dicha|ese|esa|el|la)|nessun (?:utente|destinatario)",
        r"(?:gebruiker|ontvanger|adres)\b.{0,40}(?:onbekend|bestaat niet)",
        r"(?:anvandare|mottagare)\w*\b.{0,40}(?:okand|finns inte)",
        r"(?:uzytkownik|adres\w*|konto|skrzynka)\b.{0,40}(?:nieznan|nie istnieje)",
        r"(?:нет такого|несуществу|не существует|не на[йи]ден|неизвестн)|不存在|无此用户|查无此|没有该|用户未找到|無此",
        r"(?:宛先|ユーザー?|アドレス).{0,12}(?:不明|存在しません|見つかりません)|존재하지",
    ),
    _row(
        About.DOMAIN,
        HARD,
        "no such domain, or one that takes no mail: Postfix, Sendmail, Exim, RFC 7505, Amazon SES, Exchange Online",
        r"\bhost (?:name )?(?:unknown|not found|does(?:n't| not) exist)",
        r"(?:unknown|invalid|no such|nonexist\w+|non-existent|bad|misspelled) (?:mail )?(?:host(?! ?name)|domain"
        r"|destination (?:system|host|domain))",
        r"(?<!host or )domain (?:name )?(?:\S+ )?(?:(?:does|do) ?n[o']?t exist|not found|(?:is )?(?:not valid"
        r"|invalid|unknown|not known|nonexist\w+))",
        r"nxdomain|name or service not known|infodomainnonexistent",
        r"(?:could ?n[o']t|cannot|can't|unable to) (?:find|locate|resolve|route)\b.{0,40}(?:host|domain|\bmx\b"
        r"|mail exchanger)",
        r"null ?mx|no (?:valid )?(?:mx|mail exchanger|mail server)",
        r"(?:host|domain|server)\S{0,60} does(?:n't| not) (?:accept|receive|have) (?:any )?(?:e-?)?mail(?!s? from)",
        r"unrout\w+ (?:mail )?domain",
        r"all relevant mx records|address family for hostname|name service error.{0,80}host not found",
        r"domain.{0,40}(?:inconnu|unbekannt|desconocido)",
    ),
    _row(
        About.RECIPIENT,
        HARD,
        "the mailbox once existed: Gmail 5.2.1, Yahoo, Outlook.com, Zimbra, AOL",
        rf"{_WHO}\b(?! (?:filter|polic))(?:[^.;]|\.\w){{0,50}}\b(?:disabled|inactive|de-?activated|discontinued"
        r"|cancell?ed|terminated|deleted|retired|abandoned|not (?:currently )?active|closed|expired"
        r"|been removed|desactive\w*"
        r"|deaktiviert|desactivad\w|out of use)",
        rf"\b(?:disabled|inactive|deactivated|discontinued|closed|expired|deleted) {_WHO}",
    ),
    _row(
        About.POLICY,
        POLICY,
        "a rule of the receiver's, without saying who it is about: Exchange, Barracuda, Mimecast, Gmail",
        r"\bpolic(?:y|ies)|\bblocked|not (?:allowed|permitted|authori[sz]ed)|unauthori[sz]ed|restricted",
        r"administrativ|forbidden|disallow|violat|security|filter|unacceptable|organi[sz]ational|\brule\b",
        r"protected by|requires confirmation|go away|no access|mass mailer|multiple addresses",
        r"not currently accepting|will not accept|weren't sent|do(?:es)? not accept|we do not accept",
        r"not accept(?:ed|ing)|challenge|approv",
    ),
    _row(
        About.POLICY,
        POLICY,
        "refused without a reason",
        r"reject|refus|denied|denies|declin|discard|zuruckgewiesen|abgelehnt|rechazad|refuse",
        weak=True,
    ),
)


_ADDRESS = re.compile(r"<?[^\s<>\"'(),;:=]+@[^\s<>\"'(),;:=]+>?|<address>")
_MARKS = str.maketrans({"’": "'", "‘": "'", "`": "'", "ł": "l", "ø": "o"})


def plain(words: str) -> str:
    """The words as the table spells them: lower case, on one line, no accents, no addresses."""
    text = _ADDRESS.sub("<address>", words[:MOST_CHARACTERS]).casefold().translate(_MARKS)
    bare = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text))
    return " ".join(unicodedata.normalize("NFC", bare).split())


def spoken_of(words: str) -> Phrase | None:
    """The first row that matches, or None."""
    text = plain(words)
    return next((row for row in PHRASES if row.pattern.search(text)), None)
