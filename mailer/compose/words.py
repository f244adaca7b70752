"""The few words of a mail that are not the author's, in the languages a campaign may be written in.

The HTML footer and the plain text use the same ones. A language that is missing here gets English.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Labels of the three links at the end of every mail."""

    unsubscribe: str
    preferences: str
    view: str


WORDS = {
    "ar": Words("إلغاء الاشتراك", "تغيير ما يصلك", "عرض في المتصفح"),
    "de": Words("Abmelden", "Einstellungen ändern", "Im Browser ansehen"),
    "en": Words("Unsubscribe", "Change what you get", "View in browser"),
    "es": Words("Darse de baja", "Cambiar lo que recibe", "Ver en el navegador"),
    "fr": Words("Se désabonner", "Modifier mes préférences", "Voir dans le navigateur"),
    "he": Words("הסרה מהרשימה", "שינוי ההעדפות", "צפייה בדפדפן"),
    "hi": Words("सदस्यता समाप्त करें", "अपनी पसंद बदलें", "ब्राउज़र में देखें"),
    "it": Words("Annulla l’iscrizione", "Modifica le preferenze", "Vedi nel browser"),
    "nl": Words("Uitschrijven", "Voorkeuren wijzigen", "Bekijken in de browser"),
    "pt": Words("Cancelar a inscrição", "Alterar preferências", "Ver no navegador"),
}


def words_for(language: str) -> Words:
    """The words in a BCP 47 language, by its first subtag."""
    return WORDS.get(language.lower().partition("-")[0], WORDS["en"])
