"""Who gets a campaign and who doesn't, with a reason for each: lists, segments, exclusions."""
