"""What to type for mail services that are reached by SMTP, by their own documentation, and for a server of one's own.

documentation.mailgun.com (Send via SMTP), dev.mailjet.com/smtp-relay, developers.brevo.com/docs/smtp-integration.
"""

from __future__ import annotations

from mailer.settings.providers import Asked, Preset

# They mail with a return path of their own, whatever the envelope says.
COLLECTED = "It collects bounces itself and Mailer can’t read its reports: only what is refused at once is known here."
BOUNCES = "Bounces come back by mail: set the bounce mailbox up as well."
LINKS = "Switch its own tracking of openings and clicks off: links are counted here, and theirs would replace them."
_STARTTLS: dict[str, str | int] = {"port": 587, "security": "starttls"}

PRESETS = (
    Preset(
        "mailgun",
        "Mailgun",
        about="By SMTP, from the United States or from Europe.",
        sets=_STARTTLS,
        asks=(
            Asked(
                "host", "Region", "The one that your domain was added in.",
                (("smtp.eu.mailgun.org", "Europe"), ("smtp.mailgun.org", "United States")),
            ),
            Asked("username", "SMTP login", "Such as mailer@mg.your-group.org, from SMTP credentials."),
            Asked("smtp_password", "SMTP password", "Shown once, when the login is made or its password reset."),
        ),
        guide=(
            "Send, Domains: add your domain, and the DNS records that it shows.",
            "The domain’s settings, SMTP credentials: make a login, and copy it and its password to here.",
            LINKS, COLLECTED,
        ),
        own_return_path=True,
    ),
    Preset(
        "mailjet",
        "Mailjet",
        about="By SMTP, from Europe.",
        sets={**_STARTTLS, "host": "in-v3.mailjet.com"},
        asks=(
            Asked("username", "API key", "Account settings, API key management: the first of the two."),
            Asked("smtp_password", "Secret key", "The second; shown once, when it is made."),
        ),
        guide=(
            "Account settings, Sender domains: add your domain, and the DNS records that it shows.",
            "Account settings, API key management: copy both keys to here.",
            LINKS, COLLECTED,
        ),
        own_return_path=True,
    ),
    Preset(
        "brevo",
        "Brevo",
        about="By SMTP, from Europe.",
        sets={**_STARTTLS, "host": "smtp-relay.brevo.com"},
        asks=(
            Asked("username", "Login", "On the page SMTP & API, such as 7f3a1c001@smtp-brevo.com."),
            Asked("smtp_password", "SMTP key", "From the same page. It begins with xsmtpsib, and is no API key."),
        ),
        guide=(
            "Senders, Domains: authenticate your domain with the DNS records that it shows.",
            "SMTP & API, SMTP: make a key, and copy the login and the key to here.",
            LINKS, COLLECTED,
        ),
        own_return_path=True,
    ),
    Preset(
        "another",
        "Another mail server",
        about="Such as a Postfix of your own, or any service that gives you a server and a login.",
        asks=(
            Asked("host", "Server", "Such as smtp.example.org; localhost for one on this machine."),
            Asked("port", "Port", "587, or 25 for a Postfix on this machine."),
            Asked(
                "security", "Encryption", "",
                (
                    ("starttls", "STARTTLS, usually port 587"), ("tls", "TLS, usually port 465"),
                    ("none", "None: only for a server on this machine"),
                ),
            ),
            Asked("username", "Login", "Empty where it takes mail without one, as on this machine."),
            Asked("smtp_password", "Password"),
        ),
        guide=(
            "A service: add your domain there, and the DNS records that it shows.",
            "A server of your own: it must sign mails of your domain (DKIM), List-Unsubscribe and "
            "List-Unsubscribe-Post included, as OpenDKIM and rspamd do. The address that it sends from needs a name "
            "that leads back to it (PTR).",
            LINKS, BOUNCES,
        ),
    ),
)  # fmt: skip
