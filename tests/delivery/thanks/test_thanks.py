"""Thanks for a signature: once for each person and page, to nobody who is not to be mailed, and never perhaps twice."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, suppress
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.compose.merge import MergeProgram
from mailer.delivery.notices.queue import read_notice
from mailer.delivery.subscriptions.requests import confirm
from mailer.delivery.thanks.queue import TO_ONE_MAILBOX, count_thanks
from mailer.store.engine.database import open_database
from mailer.store.jobs import JOB_LEASE, NOTICE, THANKS, claim
from mailer.store.tables.inbound import requests, signatures
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import SuppressionReason, ThanksState
from mailer.transports.base import Envelope, Fate, Mailing, Outcome, TransportUnavailable
from tests.delivery.notices.test_notices import LATER
from tests.delivery.thanks.conftest import MAIL, Signing

LINK = "https://mail.example.org/confirm/"


def html(given: tuple[Mailing, Envelope]) -> str:
    return MergeProgram.fill(given[0].html, given[1].values)


def text(given: tuple[Mailing, Envelope]) -> str:
    return MergeProgram.fill(given[0].text, given[1].values)


def words(given: tuple[Mailing, Envelope]) -> str:
    return f"{MergeProgram.fill(given[0].subject, given[1].values)}\n{text(given)}\n{html(given)}"


def suppressed(signing: Signing, reason: SuppressionReason, *, list_id: int = EVERY_LIST) -> None:
    with signing.database.write() as connection:
        hashed = address_hash("ana@example.org", signing.key)
        suppress(connection, address_hash=hashed, reason=reason, list_id=list_id, at=signing.now, source="")


def test_each_person_is_thanked_once_for_each_page(signing: Signing) -> None:
    assert signing.sign()
    assert not signing.sign(), "a repeat renews the signature and nothing else"
    assert signing.sign("bo@example.org")
    post = signing.run()
    assert sorted(envelope.address for _, envelope in post.given) == ["ana@example.org", "bo@example.org"]
    assert signing.states() == ["sent", "sent"]
    assert not signing.sign()
    assert signing.run().given == []
    mailing, envelope = post.given[0]
    assert dict(mailing.headers) == {"Auto-Submitted": "auto-generated"}, "no list's mail"
    assert {name for name, _ in envelope.headers} == {"Date", "Message-ID"}
    with signing.database.read() as connection:
        assert count_thanks(connection, "library") == {ThanksState.SENT: 2}


def test_what_it_says_to_an_address_that_was_typed(signing: Signing) -> None:
    signing.sign(name="Buy pills")
    (given,) = signing.run().given
    said = words(given)
    assert "Thank you, friend" in said
    assert "Buy pills" not in said, "somebody else may have typed it"
    assert "in=IE" not in said
    assert "signed “Keep the &lt;library&gt; &amp; its staff”" in html(given)
    assert "signed “Keep the <library> & its staff”" in " ".join(text(given).split())
    assert "/c/" not in said, "its links lead where they say"
    assert 'href="https://act.org.uk/give?amount=5&amp;from=mail"' in html(given)
    assert "https://act.org.uk/give?amount=5&from=mail" in text(given)
    assert "nsubscribe" not in said
    assert LINK not in said


def test_somebody_by_their_own_link_is_thanked_by_name(signing: Signing) -> None:
    signing.sign(by_link=True)
    (given,) = signing.run().given
    assert "Thank you, Ana" in words(given)
    assert "https://act.org.uk/next?in=IE" in words(given)


def test_it_confirms_the_address_in_the_same_mail(signing: Signing) -> None:
    signing.sign(news=True)
    (given,) = signing.run().given
    with signing.database.read() as connection:
        request = connection.execute(select(requests)).one()
        assert connection.execute(select(jobs).where(jobs.c.kind == NOTICE.name)).all() == [], "one mail, not two"
    assert request.address == "ana@example.org"
    for part in (html(given), text(given)):
        assert part.count(LINK) == 1
        assert "asked us to send Supporters" in " ".join(part.split())


def test_somebody_on_the_list_already_has_nothing_to_confirm(signing: Signing) -> None:
    signing.sign(news=True)
    with signing.database.write() as connection:
        number = connection.execute(select(requests.c.id)).scalar_one()
        confirm(connection, number, address_key=signing.key, language="en", at=signing.now)
    signing.run()
    signing.sign(news=True, page="other")
    with signing.database.write() as connection:
        connection.execute(update(signatures).where(signatures.c.page == "other").values(page="library2"))
    (signing.workspace.newsletters / "library2").symlink_to(signing.folder)
    (given,) = signing.run().given
    assert LINK not in words(given)
    assert "nothing to confirm" in " ".join(words(given).split())


# Who was set inactive is active again by signing.
@pytest.mark.parametrize("reason", [one for one in SuppressionReason if one is not SuppressionReason.INACTIVE])
def test_nobody_who_is_not_to_be_mailed_is_thanked(signing: Signing, reason: SuppressionReason) -> None:
    assert signing.sign()
    suppressed(signing, reason)
    assert signing.run().given == [], "also when it waited since before"
    assert not signing.sign(page="later")
    assert signing.states() == ["held", "held"]


def test_somebody_who_left_one_list_is_thanked_and_somebody_who_complained_of_it_is_not(signing: Signing) -> None:
    suppressed(signing, SuppressionReason.UNSUBSCRIBED, list_id=7)
    assert signing.sign()
    suppressed(signing, SuppressionReason.COMPLAINED, list_id=8)
    assert not signing.sign(page="later")


def test_a_stranger_fills_nobodys_mailbox(signing: Signing) -> None:
    pages = [f"page{number}" for number in range(8)]
    queued = [signing.sign(f"ana+{number}@example.org", page=page) for number, page in enumerate(pages)]
    assert queued == [True] * TO_ONE_MAILBOX.burst + [False] * (8 - TO_ONE_MAILBOX.burst)
    assert signing.sign(by_link=True, page="own"), "the link of one's own mail is no stranger"
    signing.now += TO_ONE_MAILBOX.every
    assert signing.sign(f"ana+{7}@example.org", page=pages[7]), "it can still be sent for the same signature"


def test_a_typed_address_changes_nothing_for_somebody_who_signed_by_link(signing: Signing) -> None:
    signing.sign(by_link=True)
    with signing.database.write() as connection:
        connection.execute(update(signatures).values(thanks=""))
        connection.execute(delete(jobs))
    assert not signing.sign()


def test_signed_at_once_by_several_servers_it_is_thanked_once(signing: Signing) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: signing.sign(), range(8)))[-2:] == [False, True]
    assert len(signing.run().given) == 1


def test_two_couriers_hand_over_each_once(signing: Signing) -> None:
    for number in range(12):
        signing.sign(f"p{number}@example.org")
    other = open_database(signing.workspace.settings.database_url)
    with ThreadPoolExecutor(2) as pool:
        posts = list(pool.map(lambda _: signing.run(), range(2)))
    other.close()
    given = [envelope.address for post in posts for _, envelope in post.given]
    assert sorted(given) == sorted({f"p{number}@example.org" for number in range(12)})
    assert set(signing.states()) == {"sent"}


@pytest.mark.parametrize(
    ("answer", "state", "again"),
    [
        (Outcome(Fate.REFUSED, "550 5.1.1", "no such user"), "failed", 0),
        (Outcome(Fate.UNCERTAIN), "uncertain", 0),
        (RuntimeError("?"), "uncertain", 0),
        (LATER, "queued", 1),
        (TransportUnavailable("down"), "queued", 1),
    ],
)
def test_what_became_of_it_is_noted(signing: Signing, answer: Outcome | Exception, state: str, again: int) -> None:
    signing.sign()
    signing.run(answer)
    assert signing.states() == [state]
    signing.now += THANKS.pauses[0]
    assert len(signing.run().given) == again
    assert signing.states() == ["sent" if again else state]


def test_a_program_that_dies_on_the_way_leaves_it_uncertain(signing: Signing) -> None:
    class Killed(BaseException):
        pass

    class Dying(type(signing.run())):  # dies when the mail is on the wire
        def hand_over(self, envelopes: object) -> list[Outcome]:
            raise Killed

    signing.sign()
    with pytest.raises(Killed):
        signing.courier(Dying()).deliver_due()
    assert signing.states() == ["uncertain"], "noted before the first byte left"
    signing.now += JOB_LEASE
    assert signing.run().given == []
    assert signing.states() == ["uncertain"]
    with signing.database.read() as connection:
        assert connection.execute(select(jobs.c.state)).scalars().all() == ["uncertain"]


def test_what_a_program_that_died_had_not_begun_is_sent_by_the_next(signing: Signing) -> None:
    signing.sign()
    assert claim(signing.database, THANKS, now=signing.now)
    assert signing.run().given == []
    signing.now += JOB_LEASE
    assert len(signing.run().given) == 1
    assert signing.states() == ["sent"]


@pytest.mark.parametrize(("fate", "state"), [(Fate.ACCEPTED, "sent"), (Fate.DEFERRED, "failed")])
def test_what_a_slow_program_learns_counts_and_nobody_waits_in_vain(signing: Signing, fate: Fate, state: str) -> None:
    class Slow(type(signing.run())):  # another one comes by when its lease is over
        def hand_over(self, envelopes: object) -> list[Outcome]:
            signing.now += JOB_LEASE
            assert signing.run().given == []
            return [Outcome(fate)]

    signing.sign()
    signing.courier(Slow()).deliver_due()
    assert signing.states() == [state]
    signing.now += timedelta(days=1)
    assert signing.run().given == []


def test_forgetting_somebody_takes_their_thanks_along(signing: Signing) -> None:
    signing.sign()
    with signing.database.write() as connection:
        forget(connection, address="ana@example.org")
    assert signing.run().given == []
    assert signing.states() == [""]


def test_while_the_files_have_errors_the_mail_stays_as_it_was(signing: Signing) -> None:
    signing.sign()
    signing.run()
    signing.write(MAIL.replace("subject:", "sobject:"))
    signing.sign("bo@example.org")
    assert len(signing.run().given) == 1
    signing.mails = signing.new_mails()  # a program that never saw it sound
    signing.sign("cy@example.org")
    assert signing.run().given == []
    assert signing.states() == ["sent", "sent", "queued"]
    signing.write(MAIL)
    signing.now += THANKS.pauses[0]
    assert len(signing.run().given) == 1


def test_words_that_wait_to_be_written_are_not_mailed(signing: Signing) -> None:
    signing.write(MAIL.replace("Your name is", "[[Say what happens.]] Your name is"))
    signing.sign()
    assert signing.run().given == []
    assert signing.states() == ["queued"]


@pytest.mark.parametrize("text", [MAIL.replace("list: supporters\n", "list: supporters\nsend: false\n"), "broken"])
def test_without_words_the_notice_that_confirms_goes_out_alone(signing: Signing, text: str) -> None:
    signing.sign(news=True)
    signing.write(text)
    assert signing.run().given == []
    assert signing.states() == [""]
    with signing.database.read() as connection:
        (job,) = connection.execute(select(jobs).where(jobs.c.kind == NOTICE.name)).all()
        notice = read_notice(job)  # pyright: ignore[reportArgumentType] - it has what a job has
        assert notice.confirmation == connection.execute(select(requests.c.id)).scalar_one()
    assert (notice.kind, notice.address, notice.lists) == ("confirm-join", "ana@example.org", ("supporters",))


def test_a_change_shows_at_once_and_can_be_switched_off(signing: Signing) -> None:
    signing.sign()
    signing.run()
    signing.write(MAIL.replace("Your name is with", "By now your name is with"))
    signing.sign("bo@example.org")
    (given,) = signing.run().given
    assert "By now your name" in words(given)
    assert signing.mails.is_on("library")
    signing.write(MAIL.replace("list: supporters\n", "list: supporters\nsend: false\n"))
    assert not signing.mails.is_on("library")
    signing.sign("cy@example.org")
    assert signing.run().given == []
    assert signing.states()[-1] == ""
    (signing.folder / "thanks.md").unlink()
    assert not signing.mails.is_on("library")


def test_a_file_that_a_save_exchanges_at_this_moment_stops_nothing(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = signing.folder / ".thanks.md.saving-x"
    passing.write_text("half", encoding="utf-8")
    look = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = look(path, follow_symlinks=follow_symlinks)
        if path == passing:  # there when it was listed, gone right after
            passing.unlink()
        return found

    monkeypatch.setattr(Path, "stat", stat)
    assert signing.mails.find("library") is not None
    assert not passing.exists()


def test_given_up_after_two_days_it_says_so(signing: Signing) -> None:
    signing.write("broken")
    signing.sign()
    for _ in range(120):
        signing.run()
        signing.now += timedelta(minutes=30)
    assert signing.states() == ["failed"]


def test_each_is_thanked_in_the_language_they_signed_in(signing: Signing) -> None:
    (signing.folder / "thanks.fr.md").write_text(
        '---\nsubject: "Merci"\npreheader: "Votre nom."\nheadline: "Merci"\naction:\n  label: Donner\n---\n\n'
        "Votre nom est au conseil.\n\n::: ask\n:::\n",
        encoding="utf-8",
    )
    signing.sign(language="fr", news=True)
    signing.sign("bo@example.org", language="de")
    said = {envelope.address: words((mailing, envelope)) for mailing, envelope in signing.run().given}
    assert "Votre nom est au conseil" in said["ana@example.org"]
    assert "Yes, sign me up" not in said["ana@example.org"], "the button that confirms is in the mail's language"
    assert "/confirm/" in said["ana@example.org"]
    assert "Your name is with the council" in said["bo@example.org"], "a missing one is the original"
