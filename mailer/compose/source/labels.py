"""The few words of a mail that are not the author's, in the languages a campaign may be written in.

The HTML footer and the plain text use the same ones. A language that is missing here gets English.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of the three links at the end of every mail, and what blocks say by themselves."""

    unsubscribe: str
    preferences: str
    view: str
    progress: str  # instead of the picture of ::: progress, where pictures are off
    share: str  # above the links of ::: share
    email: str  # the first of them
    copy: str  # before the address to pass on
    ps: str
    because: str  # why somebody gets it, when the list has no description; {organisation} is who mails


WORDS = {
    "ar": Labels(
        "إلغاء الاشتراك", "تغيير ما يصلك", "عرض في المتصفح", "عدد الموقّعين حتى الآن", "شاركها مع غيرك",
        "البريد الإلكتروني", "أو انسخ هذا العنوان:", "ملاحظة:",
        "تصلك هذه الرسالة لأنك طلبت أخبار {organisation}.",
    ),
    "de": Labels(
        "Abmelden", "Einstellungen ändern", "Im Browser ansehen", "So viele haben schon unterschrieben", "Weitersagen",
        "E-Mail", "Oder diese Adresse kopieren:", "PS:",
        "Sie erhalten diese E-Mail, weil Sie Nachrichten von {organisation} bestellt haben.",
    ),
    "en": Labels(
        "Unsubscribe", "Change what you get", "View in browser", "How many have signed so far", "Pass it on",
        "Email", "Or copy this address:", "P.S.",
        "You get this mail because you asked for news from {organisation}.",
    ),
    "es": Labels(
        "Darse de baja", "Cambiar lo que recibe", "Ver en el navegador", "Cuántas personas han firmado", "Páselo",
        "Correo", "O copie esta dirección:", "P. D.",
        "Recibe este correo porque pidió noticias de {organisation}.",
    ),
    "fr": Labels(
        "Se désabonner", "Modifier mes préférences", "Voir dans le navigateur", "Nombre de signatures à ce jour",
        "Faites passer", "E-mail", "Ou copiez cette adresse\u202f:", "P.-S.",
        "Vous recevez ce message parce que vous avez demandé des nouvelles de {organisation}.",
    ),
    "he": Labels(
        "הסרה מהרשימה", "שינוי ההעדפות", "צפייה בדפדפן", "כמה חתמו עד כה", "העבירו הלאה", "דוא״ל",
        "או העתיקו את הכתובת:", "נ״ב",
        "ההודעה נשלחה אליך כי ביקשת לקבל חדשות מאת {organisation}.",
    ),
    "hi": Labels(
        "सदस्यता समाप्त करें", "अपनी पसंद बदलें", "ब्राउज़र में देखें", "अब तक कितने लोगों ने हस्ताक्षर किए", "औरों तक पहुँचाएँ",
        "ईमेल", "या यह पता कॉपी करें:", "पुनश्च:",
        "यह ईमेल आपको इसलिए मिला है क्योंकि आपने {organisation} के समाचार माँगे थे।",
    ),
    "it": Labels(
        "Annulla l’iscrizione", "Modifica le preferenze", "Vedi nel browser", "Quante persone hanno firmato finora",
        "Passaparola", "Email", "Oppure copi questo indirizzo:", "P.S.",
        "Riceve questa email perché ha chiesto notizie da {organisation}.",
    ),
    "nl": Labels(
        "Uitschrijven", "Voorkeuren wijzigen", "Bekijken in de browser", "Zoveel mensen hebben al getekend",
        "Geef het door", "E-mail", "Of kopieer dit adres:", "P.S.",
        "U krijgt deze mail omdat u om nieuws van {organisation} hebt gevraagd.",
    ),
    "pt": Labels(
        "Cancelar a inscrição", "Alterar preferências", "Ver no navegador", "Quantas pessoas já assinaram",
        "Passe adiante", "E-mail", "Ou copie este endereço:", "P.S.",
        "Recebe este e-mail porque pediu notícias de {organisation}.",
    ),
}  # fmt: skip


def words_for(language: str) -> Labels:
    """The words in a BCP 47 language, by its first subtag."""
    return WORDS.get(language.lower().partition("-")[0], WORDS["en"])
