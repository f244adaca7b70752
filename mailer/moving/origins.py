"""Where people move from: which files to fetch there, and where in its menus, in a campaigner's words.

What the files mean is the importer's (`audience.imports.meaning.peers`), under the same names. Menus change; the words
in `where` are those to look for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileToFetch:
    """One file to fetch: who is in it, and where it is."""

    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A program to move from. `mind` says what its files leave out, or what is easily missed."""

    name: str
    title: str
    files: Sequence[FileToFetch]
    mind: str = ""
    has_api: bool = False  # it is asked itself; its files are the second best


ORIGINS: Sequence[Origin] = (
    Origin(
        "mailchimp", "Mailchimp",
        (
            FileToFetch(
                "Everybody of an audience, in one zip",
                "Audience, All contacts, Export audience. It makes a zip with subscribed, unsubscribed and "
                "cleaned contacts. Bring the zip as it is.",
            ),
        ),
        "Each audience is a zip of its own. Move them one after another, each onto its list.",
    ),
    Origin(
        "listmonk", "listmonk",
        (
            FileToFetch(
                "If it can’t be asked: everybody",
                "Subscribers, all of them, Export. This file doesn’t say who left a single list, and has no "
                "bounces: ask listmonk itself wherever you can.",
            ),
        ),
        "Make an API user (Users, New, type API) whose role may get all lists and all subscribers, and bounces, "
        "templates and campaigns. It needs no other right, and you can delete it afterwards.",
        has_api=True,
    ),
    Origin(
        "actionnetwork", "Action Network",
        (
            FileToFetch(
                "Everybody, also those who left",
                "Start organizing, Reports, New report of activists: everyone, subscribed or not. Among its "
                "columns choose Subscription Status, Subscription Date, tags and your custom fields.",
            ),
        ),
        "Without the subscription status nobody can tell who left, bounced or complained.",
    ),
    Origin(
        "actionkit", "ActionKit",
        (
            FileToFetch(
                "Everybody, with their subscription status",
                "Reports, a query report over core_user with id, email, names, address, country, lang, created_at "
                "and subscription_status; then Download as CSV.",
            ),
        ),
        "subscription_status has those who unsubscribed, bounced, are blocked, and who never agreed.",
    ),
    Origin(
        "nationbuilder", "NationBuilder",
        (
            FileToFetch(
                "Everybody",
                "People, Filter: nobody filtered out, then Export. The file has some 200 columns; bring it as it "
                "is.",
            ),
        ),
        "email_opt_in, email1_is_bad and do_not_contact decide who may be mailed.",
    ),
    Origin(
        "civicrm", "CiviCRM",
        (
            FileToFetch(
                "Everybody with an address",
                "Search, Find contacts, all of them, Actions, Export contacts, Select fields: Email, names, "
                "Country, Preferred Language, Do Not Email, No Bulk Emails, On Hold.",
            ),
            FileToFetch(
                "Who is in the group that gets your mail",
                "The same, with the group’s members found first. Bring this one alone if others in your CiviCRM "
                "never asked for newsletters.",
            ),
        ),
        "Being in your CiviCRM is no consent to newsletters. Bring the people of mailing groups.",
    ),
    Origin(
        "ghost", "Ghost",
        (
            FileToFetch(
                "All members",
                "Members, the settings icon at the top, Export all members.",
            ),
        ),
        "Bounced addresses aren’t in the file: watch the first mails, or warm up.",
    ),
    Origin(
        "substack", "Substack",
        (
            FileToFetch(
                "The list of subscribers",
                "Settings, Import and export, New export; in the zip it is email_list.csv. The zip can be brought "
                "as it is if it holds no other tables.",
            ),
        ),
        "It doesn’t tell who unsubscribed from who bounced: both get no mail here.",
    ),
    Origin(
        "mailerlite", "MailerLite",
        (
            FileToFetch(
                "Active subscribers",
                "Subscribers, view Active, select all, Export.",
            ),
            FileToFetch(
                "Unsubscribed",
                "The same with the view Unsubscribed.",
            ),
            FileToFetch(
                "Bounced",
                "The same with the view Bounced.",
            ),
            FileToFetch(
                "Junk (those who reported spam)",
                "The same with the view Junk.",
            ),
            FileToFetch(
                "Unconfirmed",
                "The same with the view Unconfirmed, if you want to ask them again.",
            ),
        ),
        "No column says which view a file is of: you will be asked for each. Bring them together, so that nobody "
        "who left comes back.",
    ),
    Origin(
        "brevo", "Brevo",
        (
            FileToFetch(
                "Subscribed contacts",
                "Contacts, filter: email campaigns, subscribed; then Export contacts.",
            ),
            FileToFetch(
                "Blocklisted contacts",
                "The same with: email campaigns, blocklisted. Those who left, bounced or complained are among "
                "them.",
            ),
        ),
        "Where the export has a column with the subscription status, one file of all contacts is enough.",
    ),
)  # fmt: skip
BY_NAME: Mapping[str, Origin] = {one.name: one for one in ORIGINS}
