"""When a campaign is due: times as staff write them, zones, daylight saving."""
