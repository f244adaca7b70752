"""The brand while it is being chosen: a sample mail and a sample page in its colours, and whether they can be read."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse, JSONResponse, Response

from mailer.audience.petition.signatures import SignatureCount
from mailer.audience.petition.told import ToldOfPage
from mailer.compose.action_page.parse import parse_action_page
from mailer.compose.colours.contrast import PAIRS, contrast_faults, ratio, shown
from mailer.compose.colours.palette import palette_faults
from mailer.compose.source.layouts import layout_names
from mailer.compose.source.message_file import source_of
from mailer.delivery.campaigns.plan import prepare
from mailer.diagnostics import Diagnostic, Place
from mailer.editing.files import write_file
from mailer.editing.first_draft import draft_text
from mailer.editing.pictures import MOST_UPLOADED, prepare_picture
from mailer.editing.settings.change import SUBJECT, require_all
from mailer.editing.splice import head_end, splice
from mailer.errors import MailerError
from mailer.locale.language import choose
from mailer.settings import Brand
from mailer.settings.tables import read_table
from mailer.staff import audit
from mailer.staff.rights import Right
from mailer.web.pages.share_card import LinkPreview
from mailer.web.pages.sign_page import PageNow, blank_page
from mailer.web.pages.templates import Pages
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.preview.frame import FRAMED, Look, dressed, policy
from mailer.web.studio.preview.person_mail import Press
from mailer.web.studio.preview.sample_readers import HARD_CASES
from mailer.web.studio.settings import forms
from mailer.web.studio.settings.fields import read, setting_named
from mailer.web.studio.settings.sections import BRAND
from mailer.workspace import Newsletter, Workspace

SLUG = "a-newsletter"  # what the samples are called inside; they are never on disk
TEMPLATE = "appeal"  # the sample's, where there is one of that name
NOWHERE = "/nowhere"
LOGOS, LOGO_WIDTH = "brand", 300  # the folder for logos that are taken in; pixels that mails show of one
_one_at_a_time = Lock()  # a camera's largest picture takes 300 MB while it is scaled
SCHEMES = {"light": Look.LIGHT, "dark": Look.DARK, "inverted": Look.FORCED}
WAYS = {"light": "In light", "inverted": "Inverted", "partly inverted": "Partly inverted"}
LABELS = {field.name.removeprefix("brand."): field.label for field in BRAND.fields}
KEY = re.compile(rf"\b({'|'.join(sorted(LABELS, key=len, reverse=True))})\b")
WOULD_DO = re.compile(r'\b([a-z_]+) = "(#[0-9a-f]{6})"')
SAMPLE_HEADLINE = "3,412 hours of sewage in our river"
SAMPLE_MAIL = """\

Dear {{ supporter.first_name | default("friend") }},

Last summer children swam here. **Eleven of them were ill**, and [all the company said](https://example.org/said) is
that it was raining.

::: ask
:::

::: numbers
- **3,412** hours
- **11** children
- **0** pounds paid
:::

::: quote Megan, who swims here
I want my daughter to learn it in this river, as I did.
:::
"""
SAMPLE_PAGE = """\
---
headline: "Keep our river clean"
statement: "We ask the council to stop the sewage, and to say by when."
goals: [5000]
---

Last summer children swam here, and eleven of them were ill. The company that let the sewage in has not paid for it.

**Your name tells the council that we are many.** They decide in March.
"""


@dataclass(frozen=True, slots=True)
class ColourFault:
    """Colours that can't be read together, and the one that would do: the field and its value, "" where none is."""

    words: str
    stops: bool
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """Two colours that meet, as they are shown: (way, front, back, contrast, whether it is enough)."""

    where: str
    ways: tuple[tuple[str, str, str, float, bool], ...]


def more(visit: Visit) -> Mapping[str, Any]:
    """What the page shows beside its form: as the brand is, or as it was typed."""
    typed = _typed(visit.form.values())
    return {"query": urlencode(typed), **judged(wished(visit, typed))}


def look(visit: Visit) -> Response:
    """The page with what was typed, which isn't saved: for browsers without script."""
    values = forms.form_values(visit, BRAND.fields, form=visit.form)
    return page(visit, BRAND.template, section=BRAND, form=visit.form, **values, **more(visit))


def mail(visit: Visit) -> Response:
    """The sample mail for the frame."""
    return _framed(visit, _sample_mail)


def sign_page(visit: Visit) -> Response:
    """The sample page for the frame."""
    return _framed(visit, _sample_page)


def contrast(visit: Visit) -> Response:
    """How the colours are judged, as a part of the page."""
    return page(visit, "settings/contrast.html", **judged(wished(visit, _typed(visit.query))))


def take_logo(visit: Visit) -> Response:
    """Take a picture in, whose bytes are the body: the name to write into a field, which is saved with the form."""
    try:
        require_all(visit.who)
        with _one_at_a_time:
            made = prepare_picture(visit.body, shown_width=LOGO_WIDTH)
        folder = visit.workspace.root / LOGOS
        folder.mkdir(exist_ok=True)
        write_file(folder / made.name, made.data, within=visit.workspace.root)
        with visit.database.write() as connection:
            audit.record(connection, visit.who, "logo taken in", at=visit.now, subject=SUBJECT, detail=made.name)
    except (MailerError, OSError) as error:
        words = f"{error.message}. {error.remedy}" if isinstance(error, MailerError) else "It could not be written."
        return JSONResponse({"words": f"{words[:1].upper()}{words[1:]}".strip()}, status_code=422)
    return JSONResponse({"name": f"{LOGOS}/{made.name}"})


def wished(visit: Visit, typed: Mapping[str, str]) -> Brand:
    """The brand with what was typed; what can't be one, such as half a colour, is as it was."""
    brand = visit.workspace.settings.brand
    for field in BRAND.fields:
        if field.name not in typed:
            continue
        key, value = field.name.removeprefix("brand."), read(field, typed[field.name])
        found = read_table(Brand, {} if value is None else {key: value}, section="brand", place=lambda _: Place())
        if not found.faults:
            brand = replace(brand, **(found.values or {key: setting_named(field.name).default}))
    return brand


def judged(brand: Brand) -> dict[str, Any]:
    """Which colours can't be read together, and how each pair is shown."""
    faults: dict[str, ColourFault] = {}  # the first of each field: once that is put right, the next is seen
    for one in map(_fault, (*contrast_faults(brand), *palette_faults(brand))):
        faults.setdefault(one.field or one.words, one)
    return {"faults": list(faults.values()), "pairs": list(_pairs(brand)), "way_names": WAYS}


def _pairs(brand: Brand) -> Iterator[JudgedPair]:
    for pair in PAIRS:
        front, back = getattr(brand, pair.front_key), getattr(brand, pair.back_key)
        found = ((how, one, other, ratio(one, other)) for how, one, other in shown(front, back))
        yield JudgedPair(pair.where, tuple((*way, way[3] >= pair.least) for way in found))


def _fault(one: Diagnostic) -> ColourFault:
    head, sign, tail = one.message.partition(": ")

    def called(found: re.Match[str]) -> str:
        return f"“{LABELS[found[1]]}”"

    words = f"{head}{sign}{KEY.sub(called, tail)}" if sign else KEY.sub(called, head, count=1)
    words = words.replace("“surface”", "the ground of the text")
    better = WOULD_DO.search(one.remedy)
    return ColourFault(
        f"{words[:1].upper()}{words[1:]}.", one.stops, f"brand.{better[1]}" if better else "",
        better[2] if better else "",
    )  # fmt: skip


def _typed(values: Mapping[str, str]) -> dict[str, str]:
    names = {field.name for field in BRAND.fields}
    return {name: value for name, value in values.items() if name in names}


def _framed(visit: Visit, made: Any) -> Response:
    brand = wished(visit, _typed(visit.query))
    workspace = replace(visit.workspace, settings=replace(visit.workspace.settings, brand=brand))
    scheme = SCHEMES.get(visit.query.get("colours", ""), Look.LIGHT)
    try:
        html = made(visit, workspace)
    except MailerError as error:  # such as a logo that isn't there
        html = f"<!doctype html><title>No sample</title><p>{escape('; '.join(map(str, error.diagnostics)))}</p>"
    logos = {f"https://{urlsplit(one).netloc}" for one in (brand.logo, brand.logo_dark) if one.startswith("https://")}
    allowed = " ".join(["data:", *sorted(one for one in logos if re.fullmatch(r"[\w.:/-]+", one))])
    return HTMLResponse(
        dressed(html, scheme, narrow=True), headers=FRAMED | {"Content-Security-Policy": policy(allowed)}
    )  # fmt: skip


def _sample_mail(visit: Visit, workspace: Workspace) -> str:
    names = layout_names(workspace.root)
    draft = draft_text(workspace, SLUG, template=TEMPLATE if TEMPLATE in names else names[0])
    text = splice(draft[: head_end(draft)] + SAMPLE_MAIL, {"headline": SAMPLE_HEADLINE})
    plan = prepare(visit.database, source_of(text, Newsletter(workspace, SLUG))).plan
    press = Press(plan, workspace)
    html = press.in_frame(HARD_CASES[0].supporter, base=NOWHERE, place="")
    for image in press.message.every_image:
        if found := press.picture(image.digest):
            data = f"data:{image.content_type};base64,{b64encode(found[1]).decode()}"
            html = html.replace(f"{NOWHERE}/pictures/{image.digest}", data)
    return html


def _sample_page(visit: Visit, workspace: Workspace) -> str:
    found, _ = parse_action_page(SAMPLE_PAGE, slug=SLUG, file="", lists={})
    assert found is not None, "the sample has no faults"
    url = f"{workspace.settings.public.url}/act/{found.path}"
    now = PageNow(
        found, ToldOfPage(SignatureCount(3412)), visit.now.astimezone(visit.zone), url, lambda _one, _widths: None,
        LinkPreview(found.headline, found.description, url),
    )  # fmt: skip
    return blank_page(Pages(workspace.settings, inline=True), now, choose(found.language))


ROUTES = (
    StudioRoute(f"{BRAND.path}/logo", take_logo, Right.SETTINGS, method="POST", most_bytes=MOST_UPLOADED),
    StudioRoute(f"{BRAND.path}/look", look, Right.SETTINGS, method="POST", most_bytes=forms.MOST_BYTES),
    StudioRoute(f"{BRAND.path}/mail", mail, Right.SETTINGS),
    StudioRoute(f"{BRAND.path}/page", sign_page, Right.SETTINGS),
    StudioRoute(f"{BRAND.path}/contrast", contrast, Right.SETTINGS),
)
