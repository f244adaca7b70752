"""The main job from end to end on a copy of this repository's workspace, as its user would type it.

`make demo` runs it. The copy is demo/, which is cleared first; `make studio` opens it afterwards. No mail leaves here.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from email.message import EmailMessage
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
COPIED = ("newsletters", "lists", "templates", "mailer.toml")
STUDIO = """
[studio]
hold = "1m"  # how long what the studio sends counts down first; ten minutes unless it is set
"""
SLUG = "2026-11-ask-un-experts"
MAILER = [sys.executable, "-m", "mailer"]
BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"}


def main() -> None:
    if sys.argv[1:] == ["studio"]:
        studio()
        return
    port = free_port()
    make_workspace()
    environ = own_environ() | {"MAILER_PUBLIC_URL": f"http://127.0.0.1:{port}"}

    say("Bring the sample list in")
    rejects = "rejects.csv"
    run(environ, "import", "supporters", "lists/sample-supporters.csv", "--rejects", rejects)
    say("Check and render the sample appeal")
    run(environ, "check", SLUG)
    run(environ, "render", SLUG, "--out", "rendered")
    say("Who gets it, and who doesn't")
    run(environ, "audience", SLUG)
    say("Mail it to the outbox")
    count = run(environ, "send", SLUG, "--dry-run", quiet=True)
    people = re.search(r"([\d,]+) people", count)
    assert people, count
    run(environ, "send", SLUG, "--yes", people[1].replace(",", ""))

    say("Start the public server; three supporters follow the link, one signs, one leaves")
    page = ""
    with server(environ, port):
        mails = [read(path) for path in sorted((DEMO / "outbox" / "new").iterdir())]
        for mail in mails[:3]:
            page = follow(action_link(mail))
            print(f"  {mail['To']} opens the action link → {page.partition('?')[0]}")
        print(f"  {mails[2]['To']} adds their name → {sign(page)}")
        leaving = mails[3]
        print(f"  {leaving['To']} presses unsubscribe → {one_click(leaving)}")
        say("The report")
        run(environ, "report", SLUG)
        run(environ, "signatures", SLUG)
    tell(rejects)


def make_workspace() -> None:
    """A workspace as `mailer init` makes one: what is written and sent in it stays in it."""
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, DEMO / name)
    with (DEMO / "mailer.toml").open("a", encoding="utf-8") as settings:
        settings.write(STUDIO)
    keys = DEMO / "secrets.toml"
    keys.touch(mode=0o600)
    keys.write_text(
        f'signing_keys = ["{secrets.token_urlsafe(32)}"]\naddress_key = "{secrets.token_urlsafe(32)}"\n',
        encoding="utf-8",
    )


def own_environ() -> dict[str, str]:
    """Without settings of a workspace that this shell is for, so that nothing of the demo goes to its database."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}


def studio() -> None:
    """Open the studio on what the demo left, and send what is sent there."""
    if not (DEMO / "mailer.toml").is_file():
        sys.exit("There is no demo yet. Make it: make demo")
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(subprocess.run([*MAILER, "studio", "--run"], check=False, cwd=DEMO, env=own_environ()).returncode)


def run(environ: dict[str, str], *arguments: str, quiet: bool = False) -> str:
    shown = " ".join(arguments)
    if not quiet:
        print(f"$ mailer {shown}", flush=True)
    done = subprocess.run(
        [*MAILER, *arguments], check=False, cwd=DEMO, env=environ, stdout=subprocess.PIPE if quiet else None, text=True
    )
    if done.returncode:
        sys.exit(f"demo: mailer {shown} ended with {done.returncode}")
    return done.stdout or ""


@contextlib.contextmanager
def server(environ: dict[str, str], port: int):
    process = subprocess.Popen(
        [*MAILER, "serve", "--port", str(port)], cwd=DEMO, env=environ, stdout=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit("demo: the server did not start")


def read(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def action_link(mail: EmailMessage) -> str:
    """The address behind "Add your name", from the plain-text part."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(r"Add your name:\s*(http\S+)", body.get_content())
    assert found, body.get_content()
    return found[1]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object, **named: object) -> None:
        return None


def follow(url: str) -> str:
    """Open a tracked link as a browser would, up to the redirect; where it leads."""
    try:
        with urllib.request.build_opener(_NoRedirect).open(
            urllib.request.Request(url, headers=BROWSER), timeout=10
        ) as page:
            return f"HTTP {page.status}"
    except urllib.error.HTTPError as answer:
        return str(answer.headers.get("Location", f"HTTP {answer.code}"))


def sign(page: str) -> str:
    """Press the button on the sign page. The link of the mail says who it is; what is missing is filled in."""
    form = urllib.parse.urlencode({"first_name": "Ada", "last_name": "Sample", "country": "GB", "shown": "1"})
    request = urllib.request.Request(page, data=form.encode(), headers=BROWSER, method="POST")
    with urllib.request.urlopen(request, timeout=10) as thanks:
        return f"HTTP {thanks.status}, {thanks.url}"


def one_click(mail: EmailMessage) -> str:
    """Press the mail program's own unsubscribe button (RFC 8058)."""
    url = str(mail["List-Unsubscribe"]).split(">")[0].lstrip("<")
    request = urllib.request.Request(url, data=b"List-Unsubscribe=One-Click", headers=BROWSER, method="POST")
    with urllib.request.urlopen(request, timeout=10) as page:
        return f"HTTP {page.status}, done"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(step: str) -> None:
    print(f"\n── {step}", flush=True)


def tell(rejects: str) -> None:
    print(f"""
── Where things are: in {DEMO.name}/, a workspace of its own
  the mails       {DEMO.name}/outbox/new/    one file each; any mail reader opens the Maildir {DEMO.name}/outbox
  the HTML, text  {DEMO.name}/rendered/      open the .html in a browser
  rejected rows   {DEMO.name}/{rejects}

── What to try next: README.md has the five-minute tour. Or, in your browser, write an appeal and send it to the outbox:
  make studio
""")


if __name__ == "__main__":
    main()
