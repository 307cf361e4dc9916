"""The network: fetch and push through GitPython, with the door's environment. Nothing is force-pushed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelreg.adapters.door import Door
from modelreg.errors import DeniedError, UnavailableError

if TYPE_CHECKING:
    import git as gitpython

REMOTE = "origin"
_RULES = ("GH006", "GH013", "protected branch", "pre-receive hook declined", "not allowed to push")
_RACE = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "failed to update ref",
    "cannot lock ref",
    "remote ref updated",
)


def fetch(git: Door, branch: str) -> None:
    """Bring origin/BRANCH up to date. Raises UnavailableError where there is no remote or it does not answer."""
    import git as gitpython

    refspec = f"+refs/heads/{branch}:refs/remotes/{REMOTE}/{branch}"
    try:
        _remote(git).fetch([refspec], tags=False, no_recurse_submodules=True, verbose=False)
    except gitpython.GitCommandError as error:
        words = _words(error)
        if "couldn't find remote ref" in words:
            return  # an empty server: the push makes the branch
        raise UnavailableError(f"{REMOTE} could not be fetched: {words}", hint="is the network there?") from error


def push(git: Door, refs: Mapping[str, str]) -> bool:
    """Push object ids to refs, all or none. False for a lost race.

    Raises DeniedError where a rule of the server forbids it, UnavailableError for anything else; when the answer was
    lost, the remote is asked what it holds before that.
    """
    remote = _remote(git)
    refspecs = [f"{object_id}:{ref}" for ref, object_id in refs.items()]
    # Not Remote.push: it cannot parse answers about object ids, and so loses the reason of a refusal.
    options = ("--porcelain", "--atomic", "--no-verify", "--", REMOTE)
    code, out, err = remote.repo.git.push(*options, *refspecs, with_extended_output=True, with_exceptions=False)
    if code == 0:
        return True
    reasons = dict.fromkeys(line.split("\t")[-1].strip() for line in str(out).splitlines() if line.startswith("!"))
    words = " ".join([*reasons, _lines(str(err))])
    if _holds(git, refs):
        return True
    if any(word in words for word in _RULES):
        raise DeniedError(f"{REMOTE} refuses a direct push: {words[:200]}", hint="open a pull request instead")
    if "atomic" in words and "support" in words:
        raise UnavailableError(
            f"{REMOTE} does not do atomic pushes", hint="push the branch first, then modelreg announce --push"
        )
    if any(word in words for word in _RACE):
        return False
    raise UnavailableError(f"{REMOTE} could not be pushed to: {words[:200]}", hint="nothing has landed; try again")


def tags(git: Door) -> frozenset[str]:
    """The names of all tags that the remote has. Raises UnavailableError where it does not answer."""
    done = git.attempt(["ls-remote", "--quiet", "--tags", "--refs", "--end-of-options", REMOTE], network=True)
    if done.code:
        raise UnavailableError(f"{REMOTE} could not be asked: {_lines(done.err)[:200]}", hint="is the network there?")
    names = (line.partition("\t")[2] for line in done.out.decode(errors="surrogateescape").splitlines())
    return frozenset(name.removeprefix("refs/tags/") for name in names)


def _holds(git: Door, refs: Mapping[str, str]) -> bool:
    """Whether the remote has all of them already: the answer to a push that had none."""
    done = git.attempt(["ls-remote", "--quiet", "--end-of-options", REMOTE, *refs], network=True)
    lines = [line.split("\t") for line in done.out.decode().splitlines() if "\t" in line]
    found = {name: object_id for object_id, name in lines}
    return all(found.get(ref) == object_id for ref, object_id in refs.items())


def _remote(git: Door) -> gitpython.Remote:
    import git as gitpython

    repository = gitpython.Repo(git.top or git.git_dir)
    repository.git.update_environment(**git.git.environment(write=True, network=True), GIT_DIR=str(git.git_dir))
    remote = repository.remote(REMOTE) if REMOTE in [found.name for found in repository.remotes] else None
    if remote is None:
        raise UnavailableError(f"there is no remote {REMOTE}", hint=f"git remote add {REMOTE} URL, or leave out --push")
    return remote


def _words(error: Exception | None) -> str:
    return _lines(str(getattr(error, "stderr", None) or error or ""))


def _lines(text: str) -> str:
    lines = [line.strip().removeprefix("stderr:").strip(" '") for line in text.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith(("hint:", "To ")))
