"""Time zones: by their names (`names`), what clocks show in them (`local_time`), and which one people are likely in
(`guesses`)."""

from mailer.timezones.names import ABBREVIATIONS, EXAMPLE, UNIVERSAL, zone_named, zone_names

__all__ = ["ABBREVIATIONS", "EXAMPLE", "UNIVERSAL", "zone_named", "zone_names"]
