"""The network: fetch and push through the git door. Nothing is force-pushed, and no program of the repository runs.

What the repository's config says about *what* a fetch or push does beside what is asked (refspecs, pruning, tags,
submodules, mirroring) is switched off; where it names programs, see `Git.environment`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelreg.adapters.door import Door
from modelreg.adapters.git import gits_words
from modelreg.adapters.processes import Result
from modelreg.adapters.refs import tips
from modelreg.errors import DeniedError, IntegrityError, UnavailableError

REMOTE = "origin"
FORWARD_ONLY = "modelreg.forwardonly"
"""Setting of a repository that modelreg keeps to ask about one branch: its name. A hostile one can only refuse."""
_RULES = ("GH006", "GH013", "protected branch", "hook declined", "not allowed to push", "prohibited")
_RACE = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "failed to update ref",
    "cannot lock ref",
    "remote ref updated",
    "already exists",
)
_BEHIND = re.compile(r"\[rejected\] \((fetch first|non-fast-forward)\)")
_NO_REASON = ("atomic push fail", "atomic transaction failed", "[remote failure]")
_FETCH = ("--no-tags", "--no-prune", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap=", "--quiet")
_PUSH = ("--porcelain", "--atomic", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed")
_INSTEAD = re.compile(r"url\..*\.(push)?insteadof", re.DOTALL)
_TRIES = 5
_OFF = (("remote.origin.mirror", "false"), ("push.followTags", "false"))


@dataclass(frozen=True, slots=True)
class TagRef:
    """The object that a tag's ref names, and the commit behind it (for a lightweight tag the same)."""

    object_id: str
    target: str


def fetch(git: Door, branch: str, *, ask: bool = False) -> None:
    """Bring origin/BRANCH up to date. Raises UnavailableError where there is no remote or it does not answer.

    `ask`: where nothing is expected, and the remote is on this machine, it is asked first where its branch is. A fetch
    of nothing takes three times as long, and longer the more tags there are here; elsewhere a connection costs more.

    In a repository that is there to be asked about one branch (`FORWARD_ONLY`, threat-model A28, A29): IntegrityError
    where that branch no longer holds what was seen last; the last one seen stays.
    """
    tracked = f"refs/remotes/{REMOTE}/{branch}"
    if ask and _holds(git, f"refs/heads/{branch}", tips(git, tracked)[0]):
        return
    forward = git.git.setting(FORWARD_ONLY) == branch
    refspec = f"{'' if forward else '+'}refs/heads/{branch}:{tracked}"
    told = [option for option in _FETCH if not forward or option != "--quiet"]  # which hides why a ref is refused
    for attempt in range(_TRIES):
        done = _run(git, ["fetch", *told, "--end-of-options", REMOTE, refspec])
        if "cannot lock ref" not in done.err:
            break
        time.sleep(0.05 * 2**attempt)  # another process fetches too
    if not done.code or ("couldn't find remote ref" in done.err and not forward):
        return  # an empty server: the push makes the branch
    if forward and ("non-fast-forward" in done.err or "couldn't find remote ref" in done.err):
        _refuse_other_history(git, branch, tracked)
    raise UnavailableError(f"{REMOTE} could not be fetched: {gits_words(done.err)}", hint="is the network there?")


def _holds(git: Door, ref: str, commit: str | None) -> bool:
    """Whether a remote on this machine says that its ref is at a commit which is here."""
    _require_remote(git)
    if commit is None or not all(_local(url, git.git.cwd) for url in _urls(git)):
        return False
    return (_refs(git, [ref]) or {}).get(ref) == commit


def _refuse_other_history(git: Door, branch: str, tracked: str) -> None:
    """Raises IntegrityError that names the commit seen last and the one that the remote shows now."""
    seen = git.run(["rev-parse", "--verify", "--quiet", tracked], check=False).decode().strip()
    held = _refs(git, [f"refs/heads/{branch}"])
    if not seen or held is None:
        return
    url, now = git.git.setting(f"remote.{REMOTE}.url"), held.get(f"refs/heads/{branch}")
    if now is None:
        what = f"has no branch {branch} any more"
    elif git.attempt(["merge-base", "--is-ancestor", now, seen]).code == 0:
        what = f"went back to {now}: an older state is shown"
    else:
        what = f"was rewritten: it is {now} now, which does not hold the commit seen last"
    raise IntegrityError(
        f"{branch} of {url} was at {seen} and {what}",
        hint=f"ask who can push there; if it is right: modelreg cache forget {url}",
    )


def fetch_all(git: Door, kind: str, beginning: str = "") -> None:
    """The refs of a kind ("heads", kept below refs/remotes/origin/, or "tags") as the remote has them, and no others.

    With a `beginning` those only whose names begin so. Raises UnavailableError.
    """
    target = "refs/tags/" if kind == "tags" else f"refs/remotes/{REMOTE}/"
    refspecs = [f"+refs/{kind}/{beginning}*:{target}{beginning}*"]
    if kind == "heads" and (branch := git.git.setting(FORWARD_ONLY)):
        refspecs.append(f"^refs/heads/{branch}")  # that one has a rule of its own
    options = [option for option in _FETCH if option != "--no-prune"]
    done = _run(git, ["fetch", *options, "--prune", "--end-of-options", REMOTE, *refspecs])
    if done.code:
        raise UnavailableError(f"{REMOTE} could not be fetched: {gits_words(done.err)}", hint="is the network there?")


def fetch_objects(git: Door, ids: Iterable[str]) -> None:
    """Bring objects that a partial clone lacks, in one go (git: promisor-remote.c). Raises UnavailableError."""
    options = ["--filter=blob:none", "--stdin"]
    lines = "".join(f"{object_id}\n" for object_id in ids)
    quick = [("fetch.negotiationAlgorithm", "noop")]
    done = _run(git, ["fetch", *_FETCH, *options, "--end-of-options", REMOTE], lines, config=quick)
    if done.code:
        raise UnavailableError(
            f"{REMOTE} did not give what is missing here: {gits_words(done.err)}", hint="is the network there?"
        )


def head_branch(git: Door) -> tuple[str, str] | None:
    """The branch that the remote shows first, and its commit: its HEAD, or the only one, or main; None: it has none of
    these. Raises UnavailableError."""
    done = _run(git, ["ls-remote", "--quiet", "--symref", "--end-of-options", REMOTE, "HEAD", "refs/heads/*"])
    if done.code:
        raise UnavailableError(f"{REMOTE} could not be asked: {gits_words(done.err)}", hint="is the network there?")
    rows = [line.partition("\t") for line in done.text.splitlines()]
    heads = {name.removeprefix("refs/heads/"): left for left, _, name in rows if name.startswith("refs/heads/")}
    named = [left.removeprefix("ref: refs/heads/") for left, _, name in rows if name == "HEAD" and "ref: " in left]
    candidates = [*named, *(heads if len(heads) == 1 else ()), "main"]
    return next(((name, heads[name]) for name in candidates if name in heads), None)


def fetch_tags(git: Door, names: Iterable[str]) -> None:
    """Bring tags that are not here, as the remote has them. Raises UnavailableError."""
    refspecs = "".join(f"refs/tags/{name}:refs/tags/{name}\n" for name in names)
    done = _run(git, ["fetch", *_FETCH, "--stdin", "--end-of-options", REMOTE], refspecs) if refspecs else None
    if done is not None and done.code:
        raise UnavailableError(f"{REMOTE} could not be fetched: {gits_words(done.err)}", hint="try again")


def tags(git: Door) -> dict[str, TagRef]:
    """The remote's tags by name. Raises UnavailableError where it does not answer."""
    found = _refs(git, ["refs/tags/*"])
    if found is None:
        raise UnavailableError(f"{REMOTE} could not be asked for its tags", hint="is the network there?")
    return {
        ref.removeprefix("refs/tags/"): TagRef(object_id, found.get(f"{ref}^{{}}", object_id))
        for ref, object_id in found.items()
        if not ref.endswith("^{}")
    }


def push(git: Door, refs: Mapping[str, str]) -> bool:
    """Push object ids to refs that are new or fast-forwards, all or none. False for a lost race.

    What counts is what the remote holds afterwards: where no answer came it is asked. Raises
    DeniedError where a rule of the server forbids it, IntegrityError for a tag that it has with another content,
    UnavailableError for anything else.
    """
    _refuse_mirror(git)
    refspecs = [f"{object_id}:{ref}" for ref, object_id in refs.items()]
    done = _run(git, ["push", *_PUSH, "--end-of-options", REMOTE, *refspecs])
    if done.code == 0:
        return True
    refused = _refusals(done)
    branches = [ref for ref in refs if ref.startswith("refs/heads/")]
    if any(_BEHIND.match(refused.get(ref, "")) for ref in branches):
        return False  # git saw it in what the server offered, and sent nothing
    held = _refs(git, refs)
    if held is not None and all(held.get(ref) == object_id for ref, object_id in refs.items()):
        for ref in branches:  # which git does where it has heard the answer
            tracked = f"refs/remotes/{REMOTE}/{ref.removeprefix('refs/heads/')}"
            git.attempt(["update-ref", "-m", "modelreg: push", tracked, refs[ref]], write=True)
        return True
    words = _words(done, refused.values())
    if any(word in words for word in _RULES):
        raise DeniedError(f"{REMOTE} refuses a direct push: {words}", hint="open a pull request instead")
    if "atomic" in words and "support" in words:
        raise UnavailableError(
            f"{REMOTE} does not do atomic pushes", hint="push the branch first, then modelreg announce --push"
        )
    decisive = [refused[ref] for ref in branches if ref in refused] or ([] if refused and branches else [words])
    if any(word in reason for reason in decisive for word in _RACE):
        return False
    taken = [ref.removeprefix("refs/tags/") for ref, reason in refused.items() if "already exists" in reason]
    if taken:
        raise IntegrityError(
            f"{REMOTE} has another tag {taken[0]} already",
            hint=f"git fetch {REMOTE} tag '{taken[0]}', and modelreg verify",
        )
    if not refused:
        return _after_silence(git, branches, refs, words, asked=held is not None)
    raise UnavailableError(f"{REMOTE} could not be pushed to: {words}", hint="nothing has landed; try again")


def _after_silence(git: Door, branches: Iterable[str], refs: Mapping[str, str], words: str, *, asked: bool) -> bool:
    """The remote gave no verdict, and does not hold the refs as they were pushed (`asked`: it said so).

    True where it took the push and somebody has built on it since. Else raises UnavailableError.
    """
    try:
        for branch in (ref.removeprefix("refs/heads/") for ref in branches if asked):
            fetch(git, branch)
            ours, theirs = refs[f"refs/heads/{branch}"], f"refs/remotes/{REMOTE}/{branch}"
            if git.attempt(["merge-base", "--is-ancestor", ours, theirs]).code == 0:
                return True
    except UnavailableError:
        asked = False
    if asked:
        hint = "it has not landed there; try again: nothing is done twice"
        raise UnavailableError(f"{REMOTE} could not be pushed to: {words}", hint=hint)
    raise UnavailableError(
        f"{REMOTE} was cut off, and whether it took the push is not known: {words}",
        hint="try again when the network is back: nothing is done twice",
    )


def _words(done: Result, reasons: Iterable[str]) -> str:
    """The reasons, and what the server's own hooks and rules wrote, which git passes on as `remote: …`."""
    lines = (line.strip() for line in done.err.splitlines())
    said = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    return "; ".join(dict.fromkeys(part for part in (*reasons, *said, gits_words(done.err)) if part))[:400]


def _refusals(done: Result) -> dict[str, str]:
    """From `--porcelain`: ref → reason, for those that were refused themselves, not along with others or unheard."""
    refused = {}
    for line in done.text.splitlines():
        flag, _, rest = line.partition("\t")
        names, _, reason = rest.partition("\t")
        if flag == "!" and not any(word in reason for word in _NO_REASON):
            refused[names.rpartition(":")[2]] = reason
    return refused


def _refs(git: Door, patterns: Iterable[str]) -> dict[str, str] | None:
    """What the remote holds of refs, by name; None where it does not answer."""
    done = _run(git, ["ls-remote", "--quiet", "--end-of-options", REMOTE, *patterns])
    if done.code:
        return None
    lines = (line.partition("\t") for line in done.text.splitlines())
    return {name: object_id for object_id, _, name in lines if name}


def _run(git: Door, args: list[str], data: str = "", *, config: Iterable[tuple[str, str]] = ()) -> Result:
    _require_remote(git)
    return git.git.run(args, input=os.fsencode(data), config=(*_OFF, *config), write=True, network=True, check=False)


def _require_remote(git: Door) -> None:
    """Raises UnavailableError without a remote, and for one inside the repository itself: its hooks would run (A21)."""
    if not any(s.key in (f"remote.{REMOTE}.url", f"remote.{REMOTE}.pushurl") for s in git.git.settings):
        raise UnavailableError(f"there is no remote {REMOTE}", hint=f"git remote add {REMOTE} URL, or leave out --push")
    for url in _urls(git):
        place = _local(url, git.git.cwd)
        if place is not None and any(place.is_relative_to(f.resolve()) for f in _own_folders(git)):
            raise UnavailableError(
                f"{REMOTE} points into the repository itself: {url}", hint=f"git remote set-url {REMOTE} URL"
            )


def _urls(git: Door) -> list[str]:
    """Where a fetch or a push goes. Git need only be asked where settings put one URL in another's place, or where it
    looks beside them (git: remote.c, read_remotes_file)."""
    named = [s.value for s in git.git.settings if s.key == f"remote.{REMOTE}.url"]
    pushed = [s.value for s in git.git.settings if s.key == f"remote.{REMOTE}.pushurl"]
    if named and all([*named, *pushed]) and not any(_INSTEAD.fullmatch(s.key) for s in git.git.settings):
        return [*named, *pushed]
    asked = (git.run(["remote", "get-url", *options, "--all", REMOTE]) for options in ([], ["--push"]))
    return [url for output in asked for url in os.fsdecode(output).splitlines()]


def _refuse_mirror(git: Door) -> None:
    """After a push git writes what was pushed wherever `remote.origin.fetch` says: never to a branch of the user."""
    for setting in git.git.settings:
        target = setting.value.partition(":")[2]
        if (
            setting.key == f"remote.{REMOTE}.fetch"
            and target
            and not target.startswith(("refs/remotes/", "refs/tags/"))
        ):
            raise UnavailableError(
                f"remote.{REMOTE}.fetch writes to {target}, and so would a push",
                hint=f"git config --replace-all remote.{REMOTE}.fetch '+refs/heads/*:refs/remotes/{REMOTE}/*'",
            )


def _own_folders(git: Door) -> list[Path]:
    return [folder for folder in (git.top, git.git_dir, git.common_dir) if folder is not None]


def _local(url: str, cwd: Path) -> Path | None:
    """The folder that a URL names on this machine, or None (giturls: `host:path` is ssh)."""
    if url.startswith("file://"):
        return Path(os.path.realpath(unquote(urlsplit(url).path)))
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/]*:", url):
        return None
    return Path(os.path.realpath(cwd / url))
