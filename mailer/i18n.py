"""The old place of mailer.locale.language, for branches that still name it."""

from mailer.locale.language import Language

language = Language
