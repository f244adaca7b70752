"""Writes the rules of docs/checks.md from the registry; a test fails when the page is out of date."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from mailer.checking.evidence.caniemail import knowledge
from mailer.checking.runner import rules

PAGE = Path(__file__).resolve().parent.parent / "docs" / "checks.md"
INTRODUCTION = """\
# What the check looks for

```
mailer check NEWSLETTER              # one newsletter
mailer check                         # all of them, and the files in lists/
mailer check NEWSLETTER --variants   # the versions of it, how many people get each, and unusual ones
mailer check NEWSLETTER --online     # also ask the site of each link
mailer check NEWSLETTER --json       # for programs
```

The check makes everyone's mail before anyone gets it. So it finds a name in capitals, a gap after “Dear”, or a
condition that nobody meets. People who are alike in everything the message uses are checked together, which is why a
large list takes seconds. The size it shows is that of the longest mail.

| level | meaning |
|---|---|
| error | `mailer test`, `send` and `schedule` refuse, and say why; `check` exits with 1 |
| warning | worth a look; stops nothing |
| note | good to know |

`mailer test` makes only the one mail it sends, and the same errors stop it.

## Waiving a rule

If a rule is right in general and wrong for this newsletter, waive it in the front matter, with your reason. What the
rule finds is then listed last, as waived, and the reason is kept with the campaign and shown in its report:

```yaml
waive:
  links.action-once: "the petition is one of three asks this month"
```

A reason can't be empty. The rules marked † below can't be waived, since without what they ask for there is no mail.

## Settings

```toml
[check]
clients = ["gmail", "apple-mail", "outlook", "yahoo"]   # the mail programs in which your mails should look right
```

What these programs can show comes from caniemail.com ({date}). Much of it was tested years ago, so each finding says
when. The check looks at what you wrote in `templates/` or in a message.mjml, not at what the compiler makes of it. A
feature that is missing *breaks* the mail, or makes it *look plainer*, or nobody minds, and then the check says
nothing. Rules inside `@media` are left out: the rest of the style sheet says how the mail looks elsewhere.

`--online` asks up to 60 addresses, 8 at a time: 8 seconds for each with its redirects, 45 seconds in all. It never
asks anything in a private network, not even when a redirect or the DNS leads there. If `spamassassin` is installed,
it scores a newsletter that you check by itself.

## Rules
"""
GROUPS = {
    "audience": "Everyone's mail", "size": "Size", "accessibility": "Accessibility", "contrast": "Contrast",
    "compatibility": "Mail programs", "links": "Links", "subject": "Subject and preheader", "pictures": "Pictures",
    "law": "Law and standards", "text": "Plain text and notes", "writing": "Words", "compose": "Reading the files",
    "data": "Data", "check": "Waivers", "lists": "Lists",
}  # fmt: skip


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION.replace("{date}", f"its data of {knowledge().updated}")]
    order = list(GROUPS)
    ordered = sorted(rules().values(), key=lambda rule: order.index(rule.group))
    for group, members in groupby(ordered, key=lambda rule: rule.group):
        lines += [f"### {GROUPS[group]}", "", "| rule | level | fires when | why |", "|---|---|---|---|"]
        for rule in members:
            mark = "" if rule.waivable else " †"
            lines.append(f"| `{rule.id}`{mark} | {rule.level.value} | {_cell(rule.title)} | {_cell(rule.why)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
