"""The chaos suite: real processes of the mailer, real receivers that count, and every trouble; then the comparison."""
