"""The `mailer` command that starts processes beside a run for some tens of people, where it would for thousands:
`python -m tests.chaos.several run`."""

from __future__ import annotations

from mailer.cli import main
from mailer.delivery.sending import worker_processes

FEW = 40

if __name__ == "__main__":
    worker_processes.PEOPLE_EACH = FEW
    main()
