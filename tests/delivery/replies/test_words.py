"""Who answers by program, who wants to be left out, and what somebody wrote, in each language and form of quoting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.replies.words import AWAY, LONGEST, REMOVE, kind_of, own_words
from mailer.locale.language import LANGUAGES
from mailer.store.tables.states import ReplyKind

H, R, A = ReplyKind.HUMAN, ReplyKind.REMOVE, ReplyKind.AUTOMATIC

SAID = {
    "en": (
        "Please take me off this list.", "I am currently out of the office until Monday.",
        "I signed. Who removed the old bridge, and why did the minister stop the works?",
    ),
    "de": (
        "Bitte melden Sie mich ab, ich möchte mich abmelden.", "Ich bin bis 4. Mai im Urlaub.",
        "Danke! Ich melde mich nächste Woche mit Fotos.",
    ),
    "fr": ("Merci de me désinscrire.", "Je suis absente du bureau.", "Merci, j’ai signé. Quand viendra la réponse ?"),
    "es": ("Quiero darme de baja, por favor.", "Respuesta automática: vuelvo el lunes.", "¡Gracias! ¿Cuándo es?"),
    "it": ("Cancellatemi dalla lista.", "Sono in ferie fino a lunedì.", "Grazie, ho firmato anch’io."),
    "nl": ("Ik wil me afmelden.", "Op dit moment ben ik afwezig.", "Bedankt, ik heb getekend."),
    "pl": ("Proszę mnie wypisać z listy.", "Jestem nieobecna do piątku.", "Dziękuję, podpisałam."),
    "pt": ("Não quero mais receber estes emails.", "Estou de férias até segunda.", "Obrigada, assinei ontem."),
    "ar": ("أرجو إلغاء الاشتراك", "أنا خارج المكتب حتى الأحد", "شكرا، لقد وقعت العريضة"),
    "he": ("בבקשה להסיר אותי מהרשימה", "אני מחוץ למשרד עד יום ראשון", "תודה, חתמתי"),
    "hi": ("कृपया मुझे इस सूची से हटा दें", "मैं कार्यालय से बाहर हूँ", "धन्यवाद, मैंने हस्ताक्षर कर दिए"),
}  # fmt: skip


def test_every_language_of_ours_is_understood() -> None:
    ours = {code.partition("_")[0].partition("-")[0] for code in LANGUAGES}
    assert ours <= set(SAID) == set(AWAY) == set(REMOVE)


@pytest.mark.parametrize("language", SAID)
def test_each_kind_is_told_in_each_language(language: str) -> None:
    leaving, away, thanks = SAID[language]
    assert [kind_of("Re: Ask them", words, automatic=False) for words in SAID[language]] == [R, A, H]
    assert kind_of("Re: Ask them", thanks, automatic=True) is A
    assert kind_of("x", f"{thanks}\n\n" + "x " * 400 + leaving, automatic=False) is H, "only how it begins counts"
    assert away


def test_a_subject_counts_only_where_nothing_was_written() -> None:
    assert kind_of("Unsubscribe", "", automatic=False) is R
    assert kind_of("Re: Don’t unsubscribe from democracy", "I won’t!", automatic=False) is H


QUOTED = "> Dear Mary,\n> Ask them.\n> To leave: https://mail.example.org/u/AAAAAE0AAAABfC2Nf7aI6e1cI_TeQAgZ\n"


@pytest.mark.parametrize(
    "mail",
    [
        f"Well done.\n\nOn Tue, 24 Nov 2026 at 10:00, Our group <us@example.org> wrote:\n{QUOTED}",
        f"Well done.\n\nAm 24.11.2026 schrieb Unsere Gruppe\n<us@example.org>:\n\n{QUOTED}",
        f"Well done.\n\nLe mar. 24 nov. 2026 à 10:00, Nous <us@example.org> a écrit :\n\n{QUOTED}",
        "Well done.\n\n-----Original Message-----\nFrom: Our group\nSent: Tuesday\nTo: Mary\n\nunsubscribe here",
        "Well done.\n\n________________________________\nVon: Wir <us@example.org>\nGesendet: Dienstag\nAn: Mary\n\nx",
        "Well done.\n\nFrom: Our group <us@example.org>\nDate: Tuesday, 24 November\nTo: Mary\nSubject: Ask\n\nx",
        f"{QUOTED}\nWell done.",
        f"On Tuesday Our group wrote:\n{QUOTED}\nWell done.",
        f"Well done.\n\n{QUOTED}",
        "Well done.\r\n\r\n> Dear\r\n",
    ],
)
def test_what_they_wrote_is_told_from_what_they_answer(mail: str) -> None:
    assert own_words(mail) == "Well done."


def test_answers_between_the_lines_stay_with_them() -> None:
    mail = "Hello,\n\n> Did you write?\n\nYes.\n\n> Will you come?\n\nNo."
    assert own_words(mail) == mail
    assert own_words("Dear all:\nI signed.\nThanks: to you") == "Dear all:\nI signed.\nThanks: to you"


def test_no_key_of_theirs_is_kept_where_nothing_can_be_told_apart() -> None:
    mail = "Leave: https://mail.example.org/u/AAAAAE0AAAABfC2Nf7aI6e1cI_TeQAgZ or reply"
    assert own_words(mail) == "Leave: https://mail.example.org/u/… or reply"
    assert own_words(QUOTED).endswith("/u/…")


LINES = st.sampled_from(
    ["Thank you.", "> quoted", "", "On Monday they wrote:", "From: x <a@b.c>", "To: y", "_______________", ">"]
)


@given(st.one_of(st.text(max_size=300), st.lists(LINES, max_size=14).map("\n".join)))
def test_nothing_is_made_up_and_words_are_never_lost(text: str) -> None:
    """Whatever the mail: what is kept is of it, and a mail with words of its own keeps some."""
    kept = own_words(text)
    assert len(kept) <= LONGEST
    assert "\0" not in kept
    assert all(line.strip() in text for line in kept.replace("…", "\n").split("\n"))
    assert bool(kept.strip()) is bool(text.replace("\0", "").strip())
