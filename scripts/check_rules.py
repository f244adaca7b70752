"""Writes the rules of docs/checks.md from the registry; a test fails when the page is out of date."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from mailer.checking.evidence.caniemail import knowledge
from mailer.checking.runner import rules

PAGE = Path(__file__).resolve().parent.parent / "docs" / "checks.md"
INTRODUCTION = """\
# What `mailer check` looks at

Made from the rules themselves by `scripts/check_rules.py`.

```
mailer check SLUG              # one newsletter
mailer check                   # all of them, and the files in lists/
mailer check SLUG --variants   # how many people see which branches, and whose mail is unusual
mailer check SLUG --online     # ask each link's site too
mailer check SLUG --json       # for programs
```

Everyone who would get the newsletter is merged first: the database groups people who are alike in all that the message
uses, and each group is walked through the message once. So a name in capitals, a hole after “Dear”, or a condition that
nobody meets is found before anyone is mailed. The size is that of the longest mail.

| level | meaning |
|---|---|
| error | `mailer test`, `send` and `schedule` stop, and say the same; `check` ends with exit code 1 |
| warning | somebody should look at it; nothing stops |
| note | good to know |

`mailer test` merges nobody but the one it is for. A proof is stopped by the same errors otherwise.

## Waiving a rule

A rule that is right in general and wrong here is waived in the front matter, with the reason. What it finds is shown as
waived, last, and the reason is kept with the campaign, for its report:

```yaml
waive:
  links.action-once: "the petition is one of three asks this month"
```

A rule that doesn't exist, an empty reason, and a rule marked † below, without which there is no mail, can't be waived.

## Settings

```toml
[check]
clients = ["gmail", "apple-mail", "outlook", "yahoo"]   # families of mail programs in which mails should look right
```

What these can show is taken from caniemail.com ({date}), in `mailer/checking/data`.
Much of it was tested years ago, so each remark says when. Looked at is what you wrote in `templates/` or a
message.mjml, not what the compiler writes.
A thing *breaks* the mail where it is missing, or the mail *looks plainer*, or nobody minds, and then nothing is said.
Rules inside `@media` are left out: the rest of the style sheet says how it looks elsewhere.

`--online` asks at most 60 different addresses, 8 at a time, each for at most 8 s with all its redirects, 45 s in all.
Nothing in a private network is asked, also when a redirect, the DNS or an IPv6 address with an IPv4 one inside leads
there. SpamAssassin is asked when one newsletter is named and `spamassassin` is installed.

## Rules
"""
GROUPS = {
    "audience": "Everyone's mail", "size": "Size", "accessibility": "Accessibility", "contrast": "Contrast",
    "compatibility": "Mail programs", "links": "Links", "subject": "Subject and preheader", "pictures": "Pictures",
    "law": "Law and standards", "text": "Plain text and notes", "writing": "Words", "compose": "Reading the files",
    "check": "Waivers", "lists": "Lists",
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
