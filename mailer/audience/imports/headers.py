"""The names of columns, as people and programs write them, and the fields they stand for.

What a whole header means is for `columns`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from mailer.audience.imports.meaning.statuses import plain

EMAIL, STATUS_FIELD, OPTED_IN = "email", "status", "opted_in_at"
TEXTS = ("first_name", "last_name", "name", "country", "language", "timezone")
FIELDS = (EMAIL, *TEXTS, STATUS_FIELD)
SPECIAL = ("tags", "attributes")  # attributes whose values are taken for what they are

# Column names as other programs write them, as `key` leaves them. Best first for each field.
ALIASES: Mapping[str, tuple[str, ...]] = {
    EMAIL: (
        "email", "e_mail", "email_address", "e_mail_address", "emailaddress", "email_adress", "primary_email",
        "email_1", "email1", "e_mail_1", "e_mail_1_value", "e_mail_adresse", "emailadresse", "email_adresse",
        "mailadresse", "adresse_e_mail", "adresse_email", "adresse_mail", "courriel", "mel", "correo_electronico",
        "correo", "direccion_de_correo_electronico", "indirizzo_email", "indirizzo_e_mail", "posta_elettronica",
        "endereco_de_e_mail", "endereco_de_email", "e_mailadres", "emailadres", "adres_e_mail", "adres_email",
        "epost", "e_post", "e_postadress", "contact_email", "mail", "address", "adresse",
    ),
    "first_name": (
        "first_name", "firstname", "first", "given_name", "givenname", "forename", "fname", "vorname", "prenom",
        "nombre", "primer_nombre", "voornaam", "imie", "fornamn", "fornavn", "primeiro_nome",
    ),
    "last_name": (
        "last_name", "lastname", "last", "surname", "family_name", "familyname", "lname", "nachname", "familienname",
        "nom_de_famille", "apellido", "apellidos", "cognome", "achternaam", "nazwisko", "efternamn", "etternavn",
        "efternavn", "sobrenome", "apelido",
    ),
    "name": ("name", "full_name", "fullname", "display_name", "nom_complet", "nombre_completo", "vollstandiger_name"),
    "country": (
        "country", "country_code", "countrycode", "country_name", "home_country_region", "country_region", "land",
        "pays", "pais", "paese", "kraj",
    ),
    "language": (
        "language", "lang", "locale", "language_code", "preferred_language", "sprache", "langue", "idioma", "lingua",
        "taal", "jezyk", "sprak", "sprog",
    ),
    "timezone": (
        "timezone", "time_zone", "iana_timezone", "tz", "zeitzone", "fuseau_horaire", "huso_horario", "zona_horaria",
        "fuso_orario", "fuso_horario", "tijdzone", "strefa_czasowa",
    ),
    STATUS_FIELD: ("status", "subscription_status", "email_status", "optin_status"),
}  # fmt: skip
SPECIAL_ALIASES = {
    "tag_list": "tags",
    "schlagworter": "tags",
    "etiquettes": "tags",
    "etiquetas": "tags",
    "attribs": "attributes",
}
# Names that mean one thing beside a first name and another alone: Vorname and Name, Prénom and Nom, Nome and Cognome.
LAST_BESIDE_FIRST = {"vorname": "name", "prenom": "nom", "voornaam": "naam"}
ADDRESS_OF_ANY_KIND = ("address", "adresse", "mail", "contact_email")


def missing_columns(header: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """Columns that --map names and the file hasn't: a slip of the pen that would lose a field silently."""
    names = {identifier(column) for column in header} | set(header)
    return [column for column in mapping if column not in names and identifier(column) not in names]


def identifier(column: str) -> str:
    """A column's name as merge tags can write it: small letters, digits and underscores; "" when nothing is left."""
    folded = unicodedata.normalize("NFKC", column).casefold()
    name = re.sub(r"\W+", "_", folded).strip("_")[:60]
    if not name:
        return ""
    return name if name.isidentifier() else f"_{name}" if f"_{name}".isidentifier() else ""


def names_columns(cells: Sequence[str], mapping: Mapping[str, str]) -> bool:
    """Whether a line is a header: one of its cells names a column of addresses."""
    mapped = {identifier(column) for column, target in mapping.items() if target == EMAIL}
    return any(key(cell) in ALIASES[EMAIL] or identifier(cell) in (mapped | {"subscriber"}) for cell in cells)


def key(column: str) -> str:
    """The same without accents, for comparing."""
    return identifier(plain(column))
