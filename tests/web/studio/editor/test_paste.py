"""What programs put on the clipboard becomes the Markdown that somebody would have written."""

# ruff: noqa: E501 - what clipboards and pages hold is one line long
from __future__ import annotations

import pytest

from tests.web.studio.editor.conftest import Desk

GOOGLE = (
    '<meta charset="utf-8"><b style="font-weight:normal;" id="docs-internal-guid-1a2b-3c4d">'
    '<h1 dir="ltr" style="line-height:1.38;"><span style="font-size:20pt;font-weight:400;">What is known</span></h1>'
    '<p dir="ltr" style="line-height:1.38;"><span style="font-size:11pt;font-weight:400;">Ask </span>'
    '<span style="font-weight:700;">before Thursday</span><span style="font-weight:400;font-style:italic;">, please</span>'
    '<span>, and read </span><a href="https://www.google.com/url?q=https://example.org/plan&amp;sa=D" '
    'style="text-decoration:none;"><span style="color:#1155cc;">the plan</span></a><span>.</span></p><br />'
    '<ul style="margin-top:0"><li dir="ltr" style="list-style-type:disc;" aria-level="1"><p dir="ltr" role="presentation">'
    '<span>First</span></p></li><li><p><span>Second</span></p></li></ul></b><br class="Apple-interchange-newline">'
)
WORD = """\
<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word"><head>
<meta name=Generator content="Microsoft Word 15"><style><!-- p.MsoNormal {margin:0cm;} @list l0:level1 {} --></style>
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings/></xml><![endif]--></head><body lang=EN-GB>
<!--StartFragment--><h2>The demands<o:p></o:p></h2>
<p class=MsoNormal>Our <b>three</b>&nbsp;demands, <i style='mso-bidi-font-style:normal'>all</i> fair:<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;&nbsp;
</span></span></span><![endif]>A fine<o:p></o:p></p>
<p class=MsoListParagraphCxSpMiddle style='text-indent:-18.0pt;mso-list:l0 level2 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>o<span>&nbsp;&nbsp;</span></span><![endif]>each hour<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>·<span>&nbsp;</span></span><![endif]>The readings<o:p></o:p></p>
<p class=MsoNormal>Then:<o:p></o:p></p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>1.<span>&nbsp;</span></span>One</p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>2.<span>&nbsp;</span></span>Two</p>
<!--EndFragment--></body></html>"""
OUTLOOK = """\
<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head><body>
<div class="WordSection1"><p class="MsoNormal" style="margin:0"><span style="font-size:11pt">Dear {{ supporter.first_name }},</span></p>
<p class="MsoNormal">&nbsp;</p>
<p class="MsoNormal"><a href="https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2Fplan&amp;data=05">the
plan</a> and <a href="mailto:ada@example.org">Ada</a><br>Rhiannon</p>
<img src="cid:image001.png@01D"><p style="display:none">hidden</p></div></body></html>"""
WEB = """\
<article><h1>Sewage in <em>our</em> river</h1><script>alert(1)</script><style>p{color:red}</style>
<p style="color:red" onclick="x()">It cost 3 * 4 * 5 pounds, said <a href="javascript:alert(1)">she</a>.</p>
<blockquote><p>Never again.</p></blockquote><img src="https://example.org/x.png" alt="x">
<table><tr><td>One</td><td>Two</td></tr></table></article>"""
CASES = {
    "Google Docs": (
        GOOGLE,
        "## What is known\n\nAsk **before Thursday**, *please*, and read [the plan](https://example.org/plan).\n\n- First\n- Second",
    ),
    "Word": (
        WORD,
        "## The demands\n\nOur **three** demands, *all* fair:\n\n- A fine\n  - each hour\n- The readings\n\nThen:\n\n1. One\n2. Two",
    ),
    "Outlook": (
        OUTLOOK,
        "Dear {{ supporter.first_name }},\n\n[the plan](https://example.org/plan) and [Ada](mailto:ada@example.org)\\\nRhiannon",
    ),
    "a web page": (
        WEB,
        "## Sewage in *our* river\n\nIt cost 3 \\* 4 \\* 5 pounds, said she.\n\n> Never again.\n\nOne\n\nTwo",
    ),
}
PASTE = """([html, plain]) => {
  const data = new DataTransfer();
  data.setData("text/html", html);
  data.setData("text/plain", plain);
  editor.view.contentDOM.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize("program", CASES)
def test_what_a_program_copies_comes_out_clean(desk: Desk, program: str) -> None:
    html, expected = CASES[program]
    page = desk.open("")
    page.locator("[role=textbox]").focus()
    page.evaluate(PASTE, [html, "x"])
    desk.wait("editor.text !== ''")
    assert desk.text == expected
    page.keyboard.press("Control+z")
    assert desk.text == ""


def test_text_without_form_goes_in_as_it_is(desk: Desk) -> None:
    page = desk.open("")
    page.locator("[role=textbox]").focus()
    page.evaluate(PASTE, ["", "**a** {{ b_c }}\n::: ask\n:::"])
    assert desk.text == "**a** {{ b_c }}\n::: ask\n:::"


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_put_in_with_what_it_shows(desk: Desk, way: str) -> None:
    page = desk.open("Dear friend,\n")
    desk.put_cursor("friend,")
    bring = """(way) => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "river.png", { type: "image/png" }));
      const box = editor.view.contentDOM.getBoundingClientRect();
      editor.view.contentDOM.dispatchEvent(way === "paste"
        ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true, clientX: box.x + 5, clientY: box.y + 15 }));
    }"""
    page.evaluate(bring, way)
    page.get_by_role("button", name="Put it in").click()
    assert page.get_by_role("alert").filter(has_text="Say what it shows").count() == 1
    assert desk.text == "Dear friend,\n"
    page.get_by_label("In a few words").fill("A pipe [brown]")
    page.get_by_role("button", name="Put it in").click()
    desk.wait("editor.text.includes('lamp')")
    assert desk.text == "Dear friend,\n\n![A pipe brown](lamp-1a2b.png)\n"
    assert desk.calls("picture") == [["picture", "river.png", "image/png"]]
