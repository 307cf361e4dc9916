"""Opening a pull request with GitHub's own command line, `gh`, or saying how it is done by hand.

Only where origin is on GitHub and `gh` is on PATH. It runs outside of the repository, which is named to it, so that it
starts no git there; its arguments are a list, the text comes on standard input (cli.github.com/manual, gh pr create).
The branch has been pushed before: whatever fails here is said and is no error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

TIMEOUT_S = 120
_HTTP = re.compile(r"(?:https?|ssh|git)://(?:[^@/]*@)?([A-Za-z0-9.-]+)(?::[0-9]+)?/(.+)")
_SCP = re.compile(r"(?:[^@/:]*@)?([A-Za-z0-9.-]+):(?!//)(.+)")
_PART = re.compile(r"[A-Za-z0-9_.-]+")
_URL = re.compile(r"https://[A-Za-z0-9.-]+/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/pull/[0-9]+")


@dataclass(frozen=True, slots=True)
class Opened:
    """`url` is the pull request's address; None where none was opened: then `steps` say what to do by hand."""

    url: str | None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hosted:
    """A repository on a forge, as its address names it, without any secret that the address holds."""

    host: str
    path: str

    @classmethod
    def parse(cls, url: str | None) -> Hosted | None:
        """None for a folder of this machine, and for what is no address of a forge."""
        match = _HTTP.fullmatch(url or "") or _SCP.fullmatch(url or "")
        if match is None:
            return None
        path = match[2].strip("/").removesuffix(".git")
        parts = path.split("/")
        if len(parts) < 2 or not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
            return None
        return cls(match[1].lower(), path)

    @property
    def is_github(self) -> bool:
        """github.com, or the GitHub Enterprise server that the user's GH_HOST names."""
        known = {"github.com", os.environ.get("GH_HOST", "").lower()}
        return self.host in known and self.path.count("/") == 1

    def form(self, head: str, base: str) -> str | None:
        """Where a browser opens a pull request; None where the forge is not known."""
        if self.is_github:
            return f"https://{self.host}/{self.path}/compare/{quote(base)}...{quote(head)}?expand=1"
        if "gitlab" in self.host:
            asked = f"merge_request[source_branch]={head}&merge_request[target_branch]={base}"
            return f"https://{self.host}/{self.path}/-/merge_requests/new?{quote(asked, safe='=&')}"
        return None


def open_pull_request(url: str | None, head: str, base: str, title: str, body: str, folder: Path) -> Opened:
    """Open one, or bring the text of an open one up to date. `url` is origin's, `folder` takes the text's file."""
    hosted = Hosted.parse(url)
    if hosted is None or not hosted.is_github:
        return _by_hand(hosted, head, base, body, folder, None)
    program = shutil.which("gh")
    if program is None or not os.path.isabs(program):
        return _by_hand(hosted, head, base, body, folder, None)
    where = ("--repo", f"{hosted.host}/{hosted.path}")
    ends = ("--head", head, "--base", base, "--title", title)
    code, words = _run(program, ["pr", "create", *where, *ends, "--body-file", "-"], body)
    found = _URL.findall(words)
    if code == 0 and found:
        return Opened(found[-1])
    if found and "already exists" in words:
        code, words = _run(program, ["pr", "edit", found[-1], *where, "--body-file", "-"], body)
        told = () if code == 0 else (f"gh could not bring its text up to date: {_short(words)}",)
        return Opened(found[-1], told)
    return _by_hand(hosted, head, base, body, folder, f"gh could not open a pull request: {_short(words)}")


def _by_hand(hosted: Hosted | None, head: str, base: str, body: str, folder: Path, trouble: str | None) -> Opened:
    steps = [trouble] if trouble else []
    form = hosted.form(head, base) if hosted is not None else None
    steps.append(f"open a pull request of {head} into {base}" + (f": {form}" if form else ""))
    try:
        path = folder / f"{head.replace('/', '-')}.md"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
        steps.append(f"its text is in {path}")
    except OSError as error:
        steps.append(f"its text could not be written to {folder}: {error.strerror}; --json prints it")
    return Opened(None, tuple(steps))


def _run(program: str, arguments: Sequence[str], text: str) -> tuple[int, str]:
    """Exit code and all that it said; 127 where it cannot be started."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") and key != "GH_REPO"}
    env |= {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory(prefix="modelreg-gh-") as folder:
        try:
            done = subprocess.run(
                [program, *arguments], input=text.encode(), cwd=folder, env=env, capture_output=True, timeout=TIMEOUT_S,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return 124, f"it did not end within {TIMEOUT_S} s"
        except OSError as error:
            return 127, str(error.strerror)
    return done.returncode, (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")


def _short(words: str) -> str:
    return " ".join(words.split())[:300] or "it gave no reason"
