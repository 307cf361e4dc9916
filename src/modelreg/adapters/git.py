"""The one git door: every git process of modelreg starts here, with arguments as a list and a hardened environment.

A repository may be hostile (threat model R1, A21, A22): its own config can start programs and name its own signers.
What it must not decide is overridden through `GIT_CONFIG_COUNT`, which wins over every config file; what cannot be
overridden is refused before the network is used. Inherited `GIT_*` variables are dropped but for a few that the
user, never a repository, sets on purpose.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelreg.adapters.processes import Result, Running
from modelreg.errors import InvalidError, NotARegistryError, UnavailableError

MINIMUM_VERSION = (2, 34)
NETWORK_TIMEOUT_S = 600

# The user's own: who acts, and which config files are the user's and the machine's.
_KEPT = re.compile(
    r"GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL)|GIT_CONFIG_(NOSYSTEM|GLOBAL|SYSTEM)|GIT_CEILING_DIRECTORIES"
    r"|GIT_DISCOVERY_ACROSS_FILESYSTEM|GIT_EXEC_PATH"
)
_KEPT_FOR_NETWORK = re.compile(r"GIT_(SSH(_\w+)?|ASKPASS|SSL_(CAINFO|CAPATH|CERT|KEY)|PROXY_SSL_\w+)")
_PROTOCOLS = "file:git:http:https:ssh"
# What git sets for a pre-receive hook: where the objects are of a push that is not accepted yet (git-receive-pack).
_QUARANTINE = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")

_OVERRIDES: tuple[tuple[str, str], ...] = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.fsync", "all"),
    ("core.quotePath", "false"),
    # A commit-graph file is a copy of parents and dates that nothing signs: read the commits themselves.
    ("core.commitGraph", "false"),
    ("diff.external", ""),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("protocol.ext.allow", "never"),
    ("maintenance.auto", "false"),
    ("gc.auto", "0"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("push.gpgSign", "false"),
    ("gpg.format", "ssh"),
    ("gpg.program", "/bin/false"),
    ("gpg.x509.program", "/bin/false"),
    ("gpg.ssh.defaultKeyCommand", ""),
    ("gpg.ssh.allowedSignersFile", "/dev/null"),
    ("gpg.ssh.revocationFile", "/dev/null"),
    ("log.showSignature", "false"),
    ("log.showRoot", "true"),
    ("log.follow", "false"),
    ("log.mailmap", "false"),
    ("i18n.logOutputEncoding", "UTF-8"),
    # Of a pack so much is mapped at a time, and so much kept of what deltas are made on: git would map a pack of any
    # size as a whole, which is the largest part of what a walk over many commits holds. It takes no longer this way.
    ("core.packedGitWindowSize", "4m"),
    ("core.packedGitLimit", "64m"),
    ("core.deltaBaseCacheLimit", "32m"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
)

# Programs that git takes from the first config file that names them: they cannot be overridden, only refused.
_REFUSED_PROGRAMS = re.compile(r"remote\..*\.(vcs|uploadpack|receivepack)|core\.(gitproxy|alternaterefscommand)")
_PROMISOR = re.compile(r"remote\..*\.promisor|extensions\.partialclone", re.DOTALL)
_FILTER = re.compile(r"filter\.(.*)\.(?:clean|smudge|process|required)", re.DOTALL)
# Commands that turn files into blobs or back, and would run the repository's own filters on the way.
_CONVERTING = frozenset(("add", "diff", "read-tree", "status", "update-index"))
_UNSAFE_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$|^[-/.]|^@$|^$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository lies. `top` is None for a bare one; `git_dir` is the work tree's own, `common_dir` shared."""

    top: Path | None
    git_dir: Path
    common_dir: Path
    shallow: bool
    object_format: str

    @property
    def cwd(self) -> Path:
        return self.top or self.git_dir


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of git's configuration. `ours` is False where the repository itself says it."""

    key: str
    value: str
    ours: bool


class Git:
    """git, run in one folder. Nothing here is shared between processes; the configuration is read once, when needed.

    `quarantine` is for a `pre-receive` hook: reads see the objects of the push that is judged, writes are refused.
    `offline`: whatever needs the network is refused; `own` is configuration for what uses the network, in the
    environment only: nothing of it is written anywhere.
    """

    def __init__(
        self, cwd: Path, *, quarantine: bool = False, offline: bool = False, own: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.cwd = cwd
        self.quarantine = quarantine
        self.offline = offline
        self.own = tuple(own)

    @functools.cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The effective configuration, lowest precedence first, without modelreg's own overrides."""
        done = self._start(["config", "--list", "-z", "--show-scope", "--includes"], self._environment((), None))
        if done.code:
            raise self.failure(["config"], done)
        fields = done.out.decode("utf-8", "surrogateescape").split("\0")
        found = []
        for scope, line in zip(fields[::2], fields[1::2], strict=False):
            key, _, value = line.partition("\n")
            if scope != "command":
                found.append(Setting(key, value, ours=scope not in ("local", "worktree")))
        return tuple(found)

    def setting(self, key: str) -> str | None:
        """The last value of a key (section and name in lower case), or None."""
        return next((s.value for s in reversed(self.settings) if s.key == key), None)

    def reread(self) -> None:
        """Forget the configuration, which was written to."""
        for name in ("settings", "is_partial"):
            self.__dict__.pop(name, None)

    @functools.cached_property
    def is_partial(self) -> bool:
        """Whether a promisor remote may hold objects that are missing here."""
        return any(_PROMISOR.fullmatch(setting.key) for setting in self.settings)

    def filters(self) -> frozenset[str]:
        """The content filters that any config file names, the user's own included."""
        found = (_FILTER.fullmatch(setting.key) for setting in self.settings)
        return frozenset(match[1] for match in found if match)

    def filters_off(self, *, strangers_only: bool = False) -> list[tuple[str, str]]:
        """Overrides with which git runs no clean, smudge or process filter (convert.c: an empty one is none)."""
        lines = (s for s in self.settings if not (strangers_only and s.ours))
        names = sorted({match[1] for line in lines if (match := _FILTER.fullmatch(line.key))})
        off = (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
        return [(f"filter.{name}.{part}", value) for name in names for part, value in off]

    def run(
        self,
        args: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: A002
        env: Mapping[str, str] | None = None,
        config: Iterable[tuple[str, str]] = (),
        network: bool = False,
        write: bool = False,
        check: bool = True,
        here: bool = False,
    ) -> Result:
        """Run git. `config` overrides even the hardening, `env` likewise; with `check` a failure is raised.

        `here`: it needs no object that a partial clone may lack, so that the configuration need not be asked.
        Raises UnavailableError: git is absent or (for `write`) too old, refuses the repository, or failed; a write or
        a use of the network inside a hook's quarantine.
        """
        self.allow(write=write, network=network)
        if args[0] in _CONVERTING:
            config = (*self.filters_off(strangers_only=True), *config)
        done = self._start(
            args, self.environment(config=config, env=env, network=network, write=write, here=here), input_=input,
            timeout=NETWORK_TIMEOUT_S if network else None,
        )  # fmt: skip
        if check and done.code:
            raise self.failure(args, done)
        return done

    def open(
        self,
        args: Sequence[str],
        *,
        here: bool = False,
        write: bool = False,
        env: Mapping[str, str] | None = None,
        config: Iterable[tuple[str, str]] = (),
        told: bool = True,
        heard: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start a git that is spoken to through pipes; whoever asked for it ends it. Raises as `run`.

        Only one that is `heard` has a standard error: another gives answers until it ends.
        """
        self.allow(write=write)
        environment = self.environment(here=here, write=write, env=env, config=config)
        try:
            return subprocess.Popen(
                ["git", *args], cwd=self.cwd, env=environment, stdout=subprocess.PIPE,
                stdin=subprocess.PIPE if told else subprocess.DEVNULL,
                stderr=subprocess.PIPE if heard else subprocess.DEVNULL,
            )  # fmt: skip
        except OSError:
            self._start(args, environment)  # says why
            raise

    def begin(
        self,
        args: Sequence[str],
        *,
        write: bool = False,
        config: Iterable[tuple[str, str]] = (),
        env: Mapping[str, str] | None = None,
    ) -> Running:
        """Start a git that does something while something else goes on; one that writes waits to be told. Raises as
        `run`."""
        if args[0] in _CONVERTING:
            config = (*self.filters_off(strangers_only=True), *config)
        process = self.open(args, write=write, config=config, env=env, told=write, heard=True)
        return Running(process)

    def allow(self, *, write: bool, network: bool = False) -> None:
        """Raises UnavailableError for a write or a use of the network that this place does not allow (see `run`)."""
        if self.quarantine and (write or network):
            raise UnavailableError("inside a hook that judges a push, modelreg only reads")
        if self.offline and network:
            raise UnavailableError("offline: nothing is asked of the network", hint="leave out --offline")
        if write:
            require_version()

    def environment(
        self,
        *,
        config: Iterable[tuple[str, str]] = (),
        env: Mapping[str, str] | None = None,
        network: bool = False,
        write: bool = False,
        here: bool = False,
    ) -> dict[str, str]:
        """The whole environment of a git process."""
        extra = dict(env or {})
        if self.quarantine:
            extra |= {key: os.environ[key] for key in _QUARANTINE if key in os.environ}
        reaches_out = network or (not here and "GIT_DIR" not in extra and self.is_partial)
        if not write:
            extra.setdefault("GIT_OPTIONAL_LOCKS", "0")
        if not reaches_out:
            return self._environment(config, extra)
        if refused := self._refused_program():
            if not network:
                return self._environment(config, extra)
            raise UnavailableError(
                f"the repository's own config names a program ({refused}), which modelreg does not run",
                hint=f"git config --unset-all {refused}, if you do not need it",
            )
        extra["GIT_ALLOW_PROTOCOL"] = _PROTOCOLS
        return self._environment((*self._users_programs(extra), *self.own, *config), extra, _KEPT_FOR_NETWORK)

    def _refused_program(self) -> str | None:
        return next((s.key for s in self.settings if not s.ours and _REFUSED_PROGRAMS.fullmatch(s.key)), None)

    def _users_programs(self, env: dict[str, str]) -> list[tuple[str, str]]:
        """Ssh, askpass and credential helpers as the user has them, whatever the repository's config says."""
        import shlex

        stranger = {s.key for s in self.settings if not s.ours}
        mine = [s for s in self.settings if s.ours]
        if "core.sshcommand" in stranger and not os.environ.get("GIT_SSH_COMMAND"):
            plain = shlex.quote(os.environ.get("GIT_SSH") or "ssh")
            env["GIT_SSH_COMMAND"] = next((s.value for s in reversed(mine) if s.key == "core.sshcommand"), plain)
        if "core.askpass" in stranger and not os.environ.get("GIT_ASKPASS"):
            other = os.environ.get("SSH_ASKPASS", "")
            env["GIT_ASKPASS"] = next((s.value for s in reversed(mine) if s.key == "core.askpass"), other)
        pairs = []
        if any(key.startswith("credential.") and key.endswith("helper") for key in stranger):
            # An empty helper forgets all that were named before it, so the user's are named again after it.
            pairs.append(("credential.helper", ""))
            pairs += [(s.key, s.value) for s in mine if re.fullmatch(r"credential\.(.*\.)?helper", s.key)]
        return pairs

    @staticmethod
    def _environment(
        config: Iterable[tuple[str, str]], extra: Mapping[str, str] | None, kept: re.Pattern[str] | None = None
    ) -> dict[str, str]:
        env = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("GIT_") or _KEPT.fullmatch(key) or (kept and kept.fullmatch(key))
        }
        env.pop("LANGUAGE", None)
        env |= {
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_GRAFT_FILE": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "LC_ALL": "C",
            **(extra or {}),
        }
        pairs = [*_OVERRIDES, ("gpg.ssh.program", _ssh_keygen()), *config]
        env["GIT_CONFIG_COUNT"] = str(len(pairs))
        for number, (key, value) in enumerate(pairs):
            env[f"GIT_CONFIG_KEY_{number}"] = key
            env[f"GIT_CONFIG_VALUE_{number}"] = value
        return env

    def _start(
        self, args: Sequence[str], env: dict[str, str], *, input_: bytes | None = None, timeout: float | None = None
    ) -> Result:
        try:
            done = subprocess.run(
                ["git", *args], cwd=self.cwd, env=env, input=b"" if input_ is None else input_,
                capture_output=True, timeout=timeout,
            )  # fmt: skip
        except FileNotFoundError as error:
            if not self.cwd.is_dir():
                raise NotARegistryError(f"{self.cwd} is not a folder", hint="pass --registry PATH") from error
            raise UnavailableError("git is not installed, or not on PATH", hint="install git ≥ 2.34") from error
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"git {args[0]} did not end within {timeout:.0f} s") from error
        except OSError as error:
            raise UnavailableError(f"git cannot be started in {self.cwd}: {error.strerror}") from error
        return Result(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def failure(self, args: Sequence[str], done: Result) -> UnavailableError:
        """What to raise for a git that failed: its own words, and a way out where one is known."""
        words = gits_words(done.err)
        if "dubious ownership" in done.err or "safe.bareRepository" in done.err:
            return UnavailableError(
                f"git refuses this repository: {words}",
                hint=f"if you trust its owner: git config --global --add safe.directory {self.cwd}",
            )
        return UnavailableError(f"git {args[0]} failed ({done.code}): {words}")


def gits_words(err: str) -> str:
    """The telling lines of what git wrote to standard error, in one line of bounded length, without credentials."""
    err = re.sub(r"(?<=://)[^/@\s]+@", "", err)
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(fatal|error|remote: error|! )", line)] or lines[-2:]
    if (last := "fatal: Could not read from remote repository.") in telling:  # why is what ssh said before
        said = [line for line in lines[: lines.index(last)] if not line.startswith(("Warning:", "debug"))]
        telling = said[-2:] or telling
    return "; ".join(telling)[:400] or "it gave no reason"


def is_ref(name: str) -> bool:
    """Whether git takes it as a ref, branch or tag name (git-check-ref-format)."""
    return not _UNSAFE_REF.search(name)


def check_ref(name: str, what: str = "branch") -> str:
    """`name` if git takes it as a branch or tag name (git-check-ref-format); else raises InvalidError."""
    if not is_ref(name):
        raise InvalidError(f"{name!r} is not a {what} name that git accepts")
    return name


def version() -> str:
    """What git says of itself: `git version 2.39.5`. Raises UnavailableError where there is none."""
    return Git(Path("/"))._start(["version"], Git._environment((), None)).text


@functools.cache
def require_version() -> None:
    """Raises UnavailableError for a git older than 2.34, before the first write."""
    said = version()
    found = re.search(r"(\d+)\.(\d+)", said)
    if not found or tuple(map(int, found.groups())) < MINIMUM_VERSION:
        raise UnavailableError(f"git 2.34 or newer is needed to write, this is {said!r}", hint="install a newer git")


@functools.cache
def _ssh_keygen() -> str:
    # An absolute path, so that no folder of a repository can shadow it; absent means that no signature verifies.
    return shutil.which("ssh-keygen") or "/bin/false"


def discover(path: Path) -> Place:
    """The repository around `path`, found in one call; `GIT_DIR` and its like are ignored.

    Raises NotARegistryError where there is none, UnavailableError where git refuses it (`safe.directory`) or its path
    holds a line break.
    """
    start = Path(os.path.realpath(path))
    start = start.parent if start.is_file() else start
    if "\n" in str(start):  # git answers in lines
        raise UnavailableError(f"{str(start)!r} holds a line break", hint="rename the folder")
    git = Git(start)
    asked = ("--git-dir", "--git-common-dir", "--is-shallow-repository", "--show-object-format")
    args = ["rev-parse", "--path-format=absolute", *asked, "--is-bare-repository", "--show-toplevel"]
    done = git._start(args, git._environment((), {"GIT_OPTIONAL_LOCKS": "0"}))
    if "not a git repository" in done.err:
        raise NotARegistryError(f"{path} is not in a git repository", hint="run `git init` or pass --registry PATH")
    lines = done.text.split("\n", 5)
    if len(lines) < 5:
        raise git.failure(args, done)
    top = None
    if lines[4] != "true":
        # `--show-toplevel` comes last: it alone fails inside a `.git` folder.
        if done.code or len(lines) < 6:
            raise NotARegistryError(f"{path} is inside a .git folder", hint="pass the folder that holds it")
        top = Path(lines[5])
        _check_top(top, Path(lines[0]))
    return Place(top, Path(lines[0]), Path(lines[1]), lines[2] == "true", lines[3])


def _check_top(top: Path, git_dir: Path) -> None:
    """A hostile `core.worktree` must not turn a home folder into the work tree: `top/.git` has to point back."""
    link = top / ".git"
    try:
        found = link if link.is_dir() else top / link.read_text().removeprefix("gitdir:").strip()
        same = os.path.samefile(found, git_dir)
    except OSError:
        same = False
    if not same:
        raise UnavailableError(
            f"core.worktree points to {top}, which is not this repository's own folder",
            hint="git config --unset core.worktree",
        )
