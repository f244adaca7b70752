"""Each rule fires on what it is for, and stays quiet on what looks like it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from mailer.checking.runner import rules
from tests.checking.desk import Desk, Try
from tests.checking.pictures import gif, png

FOOTER = "blocks/footer.mjml"
HEAD = "blocks/head.mjml"
LAYOUT = "appeal/layout.mjml"
TEXT = "blocks/text.mjml"
RAW = '<mj-raw><div lang="en" dir="ltr">HTML</div></mj-raw>{% include "blocks/footer.mjml" %}'
FOOT = '{% include "blocks/footer.mjml" %}'
FILLER = "Nothing that people read in one breath is ever as long as this sentence was made to be for a test of size. "
OURS = "https://mail.libraryfriends.ngo"
ACT = "\n  url: https://mail.libraryfriends.ngo/act/{}\n  label: Sign"
PICTURE = "![What it shows](a.png)\n\n"
ELSEWHERE = (
    "Quickly seventeen zebras vexed judges beyond Montevideo harbour yesterday morning whereas elephants trumpeted "
    "melodiously near Kathmandu railway stations because nobody remembered umbrellas during monsoon season festivals"
)
IN_TEMPLATE = f"<mj-section><mj-column><mj-text><p>{ELSEWHERE}</p></mj-text></mj-column></mj-section>"
SOUND = Try()


@dataclass(frozen=True)
class Case:
    """A rule, what makes it fire, and what must not."""

    rule: str
    fires: Try
    quiet: Try = SOUND


def raw(html: str) -> Try:
    """HTML of the author's own, above the footer."""
    return Try(templates=((LAYOUT, FOOT, RAW.replace("HTML", html)),))


def styled(css: str) -> Try:
    return Try(templates=((HEAD, ".small p {", css + " .small p {"),))


CASES = (
    Case("accessibility.language", Try(templates=((LAYOUT, 'lang="{{ message.language }}"', 'lang="de"'),))),
    Case("accessibility.direction", Try(templates=((LAYOUT, 'dir="{{ message.direction }}"', 'dir="rtl"'),))),
    Case("accessibility.title", Try(templates=((HEAD, "<mj-title>{{ message.title }}</mj-title>", ""),))),
    Case("accessibility.table", raw("<table><tr><td>a</td></tr></table>"), raw("<table><tr><th>a</th></tr></table>")),
    Case(
        "accessibility.alt",
        raw('<img src="https://mail.libraryfriends.ngo/a.png" />'),
        raw('<img src="https://mail.libraryfriends.ngo/a.png" alt="" />'),
    ),
    Case(
        "accessibility.link-text",
        raw(f'<a href="https://council.gov/x"><img src="{OURS}/a.png" alt="" /></a>'),
        raw(f'<a href="https://council.gov/x"><img src="{OURS}/a.png" alt="The plan" /></a>'),
    ),
    Case("accessibility.heading", raw("<h1>Another</h1>"), raw("<h2>Another</h2>")),
    Case(
        "accessibility.heading-order", Try(body="### Deep\n\nWords.\n\n"), Try(body="## Next\n\n### Deep\n\nWords.\n\n")
    ),
    Case(
        "accessibility.small-text",
        raw('<p style="font-size:11px">tiny</p>'),
        raw('<p style="font-size:15px">small</p>'),
    ),
    Case("accessibility.justified", raw(f'<p style="text-align:justify">{FILLER}</p>'), raw(f"<p>{FILLER}</p>")),
    Case(
        "accessibility.colour-only-link",
        raw('<p>See <a href="https://council.gov/x" style="text-decoration:none">the plan</a></p>'),
        raw('<p>See <a href="https://council.gov/x" style="text-decoration:underline">the plan</a></p>'),
    ),
    Case(
        "contrast.low",
        raw('<p style="color:#999999;background:#ffffff">pale</p>'),
        raw('<p style="color:#595959;background:#ffffff">dark</p>'),
    ),
    Case(
        "contrast.low",
        raw('<p style="color:rgb(0 0 0 / 40%)">see-through</p><p style="background:lightgoldenrodyellow"></p>'),
        raw('<p style="color:darkslategray;background:lightgoldenrodyellow">named</p>'),
    ),
    Case(
        "contrast.brand",  # of what a template sets in it; the shipped ones take a shade that can be read
        replace(
            raw('<p style="color:{{ brand.muted }};background:{{ brand.surface }}">pale</p>'),
            settings=(("[sender]", '[brand]\nmuted = "#c0c4cc"\n\n[sender]'),),
        ),
        Try(settings=(("[sender]", '[brand]\nmuted = "#c0c4cc"\n\n[sender]'),)),
    ),
    Case(
        "contrast.pages",
        Try(settings=(("[sender]", '[brand]\nlink = "#8ab4e8"\n\n[sender]'),)),
        Try(settings=(("[sender]", '[brand]\nlink = "#0b4a8f"\n\n[sender]'),)),
    ),
    Case(
        "contrast.dark",
        Try(settings=(("[sender]", '[brand]\nprimary = "#0078c8"\non_primary = "#000000"\n\n[sender]'),)),
        Try(settings=(("[sender]", '[brand]\nprimary = "#0b4a8f"\n\n[sender]'),)),
    ),
    Case(
        "compatibility.breaks",
        styled(".row { display: flex; }"),
        styled("@media (min-width: 600px) { .row { display: flex; } }"),
    ),
    Case(
        "compatibility.plainer",
        raw('<p style="text-emphasis: dot">words</p>'),
        raw('<p style="border-radius: 4px">words</p>'),
    ),
    Case(
        "links.placeholder",
        Try(body="[See the plan](https://example.org/plan)\n\n"),
        Try(body="[See the plan](https://example.org/plan)\n\n", settings=(("@libraryfriends.ngo>", "@example.org>"),)),
    ),
    Case("links.placeholder", raw('<a href="#">the plan</a>'), raw('<a href="https://council.gov/#plan">the plan</a>')),
    Case(
        "law.placeholder",
        Try(body="Write to hello@example.org, please.\n\n"),
        Try(body="An example: orga.org, test.org and my.example-org.uk, for example. See it at the-example.org.\n\n"),
    ),
    Case(
        "law.placeholder",
        Try(body="Look at WWW.EXAMPLE.COM today.\n\n"),
        Try(templates=(("blocks/head.mjml", "<mj-style>", "<mj-style>p.example { color: #222222 }"),)),
    ),
    Case("law.placeholder", Try(front={"subject": "News from www.example.net"})),
    Case(
        "law.placeholder", Try(body='Write to {{ supporter.country | default("https://town.invalid") }}, please.\n\n')
    ),
    Case("law.placeholder", Try(body="[Write to us](mailto:us@group.example)\n\n")),
    Case("law.placeholder", Try(front={"reply_to": "us@mail.example.com"})),
    Case(
        "law.placeholder",
        Try(settings=(("unsubscribe@libraryfriends.ngo", "unsubscribe@example.org"),)),
        Try(
            settings=(
                ("unsubscribe@libraryfriends.ngo", "unsubscribe@example.org"),
                ("<appeals@libraryfriends.ngo", "<a@example.org"),
            )
        ),
    ),
    Case("law.placeholder", Try(settings=(('"Library Friends"', '"Example Campaigns"'),))),
    Case("law.placeholder", Try(settings=(("12 Mill RateLimit", "1 Example Street"),))),
    Case("law.placeholder", Try(settings=(("https://libraryfriends.ngo", "https://example.org"),))),
    Case(
        "links.syntax",
        Try(body="[See the plan](https://council/plan)\n\n"),
        Try(body="[See it](https://council.gov/plan_(film))\n\n"),
    ),
    Case("links.syntax", Try(body="[See the plan](https://https://council.gov/plan)\n\n")),
    Case(
        "links.syntax",
        Try(body="[See the plan](https://council.gov/plan,)\n\n"),
        Try(body="[See it](https://council.gov/?a=1)\n\n"),
    ),
    Case(
        "links.insecure",
        Try(body="[See the plan](http://council.gov/plan)\n\n"),
        Try(body="[See it](https://council.gov/)\n\n"),
    ),
    Case("links.insecure", Try(settings=(("https://mail.", "http://mail."),))),
    Case("links.action-missing", Try(instead=(("::: ask\n:::", ""), ("::: ask Sign the letter\n:::", "")))),
    Case(
        "links.action-once",
        Try(instead=(("::: ask\n:::", ""),)),
        Try(instead=(("::: ask\n:::", "[Sign it](action)."),)),
    ),
    Case(
        "links.vague",
        Try(body="[Click here](https://council.gov/a).\n\n"),
        Try(body="[Read their answer](https://council.gov/a).\n\n"),
    ),
    Case(
        "links.vague",
        Try(body="[Cliquez ici](https://council.gov/a).\n\n", front={"language": "fr"}),
        Try(body="[Cliquez ici pour signer la lettre](https://council.gov/a).\n\n", front={"language": "fr"}),
    ),
    Case(
        "links.address-as-words",
        Try(body="[www.council.gov/a](https://council.gov/a).\n\n"),
        Try(body="[The council’s site](https://council.gov/a).\n\n"),
    ),
    Case(
        "links.shortener",
        Try(body="[The plan](https://bit.ly/3xyz).\n\n"),
        Try(body="[The plan](https://orbit.ly/3).\n\n"),
    ),
    Case(
        "links.action-page",
        Try(front={"action": ACT.format("nothing")}),
        Try(front={"action": ACT.format("save-the-library")}, files={"action.md": b"---\n---\n"}),
    ),
    Case("links.action-page", Try(files={"action.md": b"---\n---\n"})),
    Case("subject.no-preheader", Try(front={"preheader": ""})),
    Case(
        "subject.long",
        Try(front={"subject": "Keep the library in our street open for everybody who needs it"}),
        Try(front={"subject": "Keep the library in our street open"}),
    ),
    Case("subject.preheader-length", Try(front={"preheader": "Now"}), Try(front={"preheader": "x" * 90})),
    Case("subject.equal", Try(front={"preheader": "Keep the library open, please, and say so to the council now"})),
    Case(
        "subject.capitals",
        Try(front={"subject": "KEEP THE LIBRARY OPEN"}),
        Try(front={"subject": "Ask NATO and the UN for help"}),
    ),
    Case("subject.emoji", Try(front={"subject": "Keep it open 👨‍👩‍👧"}), Try(front={"subject": "Keep it open ☀"})),
    Case("subject.emoji", Try(front={"subject": "Keep it open 🎉🎉"})),
    Case(
        "subject.spam-habits",
        Try(front={"subject": '"Re: the library"'}),
        Try(front={"subject": "Regarding the library"}),
    ),
    Case(
        "subject.spam-habits",
        Try(front={"subject": '"Act now, it is 100% free!"'}),
        Try(front={"subject": '"Free the library!"'}),
    ),
    Case(
        "pictures.no-alt",
        Try(body="![](a.png)\n\n", files={"a.png": png(300)}),
        Try(body=PICTURE, files={"a.png": png(300)}),
    ),
    Case(
        "pictures.heavy",
        Try(body=PICTURE, files={"a.png": png(300, size=1_100_000)}),
        Try(body=PICTURE, files={"a.png": png(300, size=900_000)}),
    ),
    Case("pictures.missing", Try(body=PICTURE), Try(body=PICTURE, files={"a.png": png(300)})),
    Case("pictures.missing", Try(body=PICTURE, files={"a.png": b"RIFF....WEBP"})),
    Case(
        "pictures.elsewhere",
        Try(body="![A seal](https://council.gov/a.png)\n\n"),
        Try(body="![A seal](https://mail.libraryfriends.ngo/a.png)\n\n"),
    ),
    Case("pictures.wide", Try(body=PICTURE, files={"a.png": png(4000)}), Try(body=PICTURE, files={"a.png": png(1040)})),
    Case(
        "pictures.moving",
        Try(body=PICTURE, files={"a.png": png(300, moving=True)}),
        Try(body=PICTURE, files={"a.png": png(300)}),
    ),
    Case("pictures.moving", Try(body=PICTURE, files={"a.png": gif(3)}), Try(body=PICTURE, files={"a.png": gif(1)})),
    Case(
        "pictures.format",
        Try(body="![A seal](https://mail.libraryfriends.ngo/a.webp)\n\n"),
        Try(body="![A seal](https://mail.libraryfriends.ngo/a.jpg)\n\n"),
    ),
    Case(
        "pictures.balance",
        Try(body=PICTURE * 8, files={"a.png": png(1040)}),
        Try(body=PICTURE, files={"a.png": png(1040)}),
    ),
    Case(
        "law.hidden",
        Try(
            templates=(
                (
                    FOOTER,
                    '<a href="{{ unsubscribe_url }}"',
                    '<a style="display:none" href="{{ unsubscribe_url }}"',
                ),
            )
        ),
    ),
    Case(
        "law.headers",
        Try(settings=(("https://mail.", "http://mail."),)),
        Try(settings=(("https://mail.", "http://mail."), ('"smtp"', '"outbox"'))),
    ),
    Case(
        "law.alignment",
        Try(settings=(("[public]", '[bounces]\naddress = "b@relay.net"\n\n[public]'),)),
        Try(settings=(("[public]", '[bounces]\naddress = "b@bounce.libraryfriends.ngo"\n\n[public]'),)),
    ),
    Case(
        "law.alignment",
        Try(front={"from": "A <a@other.ngo>"}, settings=(("[public]", 'dkim_selectors = ["s1"]\n\n[public]'),)),
        Try(
            front={"from": "A <a@mail.libraryfriends.ngo>"},
            settings=(("[public]", 'dkim_selectors = ["s1"]\n\n[public]'),),
        ),
    ),
    Case("law.free-mail", Try(front={"from": "A <a@gmail.com>"}), Try(front={"from": "A <a@notgmail.com>"})),
    Case("law.no-unsubscribe", Try(templates=((FOOTER, "{{ unsubscribe_url }}", "{{ view_url }}"),))),
    Case("law.no-address", Try(templates=((FOOTER, "{{ organisation.postal_address }}", ""),))),
    Case("text.other-story", Try(templates=((LAYOUT, FOOT, IN_TEMPLATE + FOOT),))),
    Case(
        "text.unwrapped",
        Try(body='{{ supporter.country | default("' + "word " * 30 + '") }}\n\n'),
        Try(body="word " * 30 + "\n\n"),
    ),
    Case(
        "text.tags",
        Try(body="He wrote <b>this</b> himself.\n\n"),
        Try(body="He wrote **this** himself, and 1 < 2 > 0.\n\n"),
    ),
    Case("text.note-missing", Try(body="They said so.[^9]\n\n")),
    Case("text.note-unused", Try(instead=(("[^1]: ", "[^2]: [Another](https://council.gov/b)\n[^1]: "),))),
    Case(
        "writing.placeholder", Try(body="TODO the figures\n\n"), Try(body="There is much to do, and a remedy list.\n\n")
    ),
    Case(
        "writing.placeholder",
        Try(body="Dear [NAME],\n\n"),
        Try(body="[NATO](https://nato.int) and [NGO] in the siglo XX: really???\n\n"),
    ),
    Case(
        "writing.placeholder",
        Try(body="[[Say why it matters,\nin two lines.]]\n\n"),
        Try(body="[the plan](https://council.gov/plan) [sic]\n\n"),
    ),
    Case("writing.placeholder", Try(front={"subject": "Lorem ipsum dolor"}), Try(body="{# TODO: not mailed #}\n\n")),
    Case(
        "writing.conflict",
        Try(body="<<<<<<< HEAD\nSign today.\n=======\nSign now.\n>>>>>>> theirs\n\n"),
        Try(body="Act now\n=======\n\n> quoted\n>> deeper\n\n"),
    ),
    Case("writing.own-words", Try(front={"language": "sv"}), Try(front={"language": "de-AT"})),
    Case(
        "writing.past-date",
        Try(body="Come to the square on 3 November 2026.\n\n"),
        Try(body="Come to the square on 3 December 2026.\n\n"),
    ),
    Case("writing.past-date", Try(body="Sign until March 1, 2024.\n\n"), Try(body="The law is of March 1, 2024.\n\n")),
    Case(
        "writing.past-date",
        Try(body="Jusqu’au 3 novembre 2026.\n\n", front={"language": "fr"}),
        Try(body="Before 2026-12-03.\n\n"),
    ),
    Case("writing.foreign-tag", Try(body="Dear {first_name},\n\n"), Try(body="Dear {friend},\n\n")),
    Case(
        "subject.missing",
        Try(front={"subject": "'{{ supporter.first_name }}'", "headline": "Head"}),
        Try(front={"subject": "'{{ supporter.first_name | default(\"Friend\") }}'", "headline": "Head"}),
    ),
    Case(
        "writing.markdown",
        Try(body="This is **important and ** so is that.\n\n"),
        Try(body="This is **important**, \\*\\* so is `** that **`.\n\n"),
    ),
    Case("writing.markdown", Try(body="[The letter][letter] is here.\n\n")),
    Case("writing.markdown", Try(body="| Year | Loans |\n|---|---|\n| 2025 | 1,200 |\n\n")),
    Case(
        "writing.indented",
        Try(body="    Dear friend, [sign](action)\n\n"),
        Try(body="- one\n\n    and more of it\n\n"),
    ),
    Case("writing.postscript", Try(body="P.S. Tell a neighbour.\n\n"), Try(body="So says P.S. Jones, M.P.\n\n")),
    Case(
        "writing.postscript",
        Try(body="**PS:** Sagt es weiter.\n\n", front={"language": "de"}),
        Try(body="PSV won.\n\n"),
    ),
    Case(
        "links.anchor",
        Try(body="## Part two\n\nRead [part two](#part-tow) first.\n\n"),
        Try(body="## Part two\n\nRead [part two](#part-two) first.\n\n"),
    ),
    Case("size.heavy", Try(body=(FILLER * 4 + "\n\n") * 150), Try(body=(FILLER * 4 + "\n\n") * 110)),
    Case("size.clipped", Try(body=(FILLER * 4 + "\n\n") * 230), Try(body=(FILLER * 4 + "\n\n") * 150)),
    Case("compose.fault", Try(body="{{ supporter.frist_name }}\n\n")),
    Case("writing.no-stand-in", Try(body="Dear {{ supporter.first_name }},\n\n")),
    Case("compose.warning", Try(body="A\x0bB\n\n")),
    Case(
        "check.waiver",
        Try(front={"waive": '\n  links.vage: "we like it"'}),
        Try(front={"waive": '\n  links.vague: "we like it"'}),
    ),
    Case("check.waiver", Try(front={"waive": '\n  law.no-address: "we like it"'})),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_rule_fires_on_what_it_is_for_and_on_nothing_else(desk: Desk, case: Case) -> None:
    fired = [remark for remark in desk.look(case.fires) if remark.rule == case.rule]
    assert fired, [remark.rule for remark in desk.look(case.fires)]
    assert all(remark.place for remark in fired)
    assert all(remark.level is rules()[case.rule].level for remark in fired)
    if case.quiet is not SOUND:  # of which the next test says that nothing fires
        assert case.rule not in {remark.rule for remark in desk.look(case.quiet)}


def test_the_newsletter_that_all_others_are_changes_of_is_sound(desk: Desk) -> None:
    assert desk.look(SOUND) == []
