"""`mailer doctor`: each part judged on its own, and the whole command against real servers."""
