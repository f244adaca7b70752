"""The connections of a campaign: how they hand mails over, all in one loop or a thread for each."""
