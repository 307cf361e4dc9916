"""Push and fetch: what the server has already, what the user and a hostile repository name, and a network that drops."""

from __future__ import annotations

import contextlib
import http.server
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from modelreg.adapters import remote
from modelreg.adapters.door import Door
from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId, Plan, Tag
from modelreg.errors import (
    ConflictError,
    DeniedError,
    IntegrityError,
    ModelregError,
    UnavailableError,
    UsageError,
)
from modelreg.registry.ports import Landed
from tests.cli.runner import artifact, done, modelreg
from tests.support import Repo

AT = 1_700_000_000


def land(repo: Repo, path: str = "a.txt", *, tag: str | None = None) -> Landed | None:
    """Land one file once, with a tag, and push."""
    repository = GitRepository.open(repo.path)

    def announce(commit: CommitId) -> Sequence[Tag]:
        return [Tag(tag, commit, "announced\n", AT)] if tag else []

    def planner(base: CommitId | None) -> Plan | None:
        assert base is not None
        there = repository.tree(base).read(path) is not None
        return None if there else Plan("main", base, {path: b"landed\n"}, f"land {path}", AT, announce)

    return repository.land(planner, "main", push=True)


def create(repo: Repo, names: Sequence[str], *, push: bool = True, batch: int | None = None) -> list[str]:
    tags = [Tag(name, CommitId(str(repo.rev("main"))), f"says {name}\n", AT) for name in names]
    return list(GitRepository.open(repo.path).create_tags(tags, push=push, batch=batch))


def refs(repo: Repo, pattern: str = "refs") -> str:
    return repo.git("for-each-ref", "--format=%(refname) %(objectname)", pattern)


@pytest.fixture
def server(repo: Repo, tmp_path: Path) -> Repo:
    return repo.bare(tmp_path / "server.git")


# --- tags


def test_a_tag_that_was_made_here_earlier_reaches_the_server(repo: Repo, server: Repo) -> None:
    assert create(repo, ["m@v1.0.0"], push=False) == ["m@v1.0.0"]
    before = refs(repo, "refs/tags")
    assert create(repo, ["m@v1.0.0", "m@v2.0.0"]) == ["m@v1.0.0", "m@v2.0.0"]
    assert refs(server, "refs/tags") == refs(repo, "refs/tags")
    assert before in refs(server, "refs/tags")


def test_only_what_the_server_lacks_is_pushed_and_the_rest_comes_here(repo: Repo, server: Repo, tmp_path: Path) -> None:
    create(repo, ["m@v1.0.0", "m@v2.0.0"])
    other = server.clone(tmp_path / "other", "--no-tags")
    other.git("config", "user.name", "Somebody Else")  # whose tag objects are others
    assert create(other, ["m@v1.0.0", "m@v2.0.0", "m@v3.0.0"]) == ["m@v3.0.0"]
    assert refs(other, "refs/tags") == refs(server, "refs/tags")
    assert create(other, ["m@v1.0.0", "m@v2.0.0", "m@v3.0.0"]) == []
    assert create(other, []) == []


@pytest.mark.parametrize("kind", ["moved", "lightweight"])
@pytest.mark.parametrize("where", ["server", "here"])
def test_A02_another_tag_of_that_name_is_named(repo: Repo, server: Repo, kind: str, where: str) -> None:
    repo.commit("second")
    repo.git("push", "-q", "origin", "main")
    place = server if where == "server" else repo
    place.git("tag", *(["-a", "-m", "x", "m@v1.0.0", "main~1"] if kind == "moved" else ["m@v1.0.0", "main"]))
    before = refs(repo), refs(server)
    with pytest.raises(IntegrityError, match=r"m@v1\.0\.0"):
        create(repo, ["m@v0.9.0", "m@v1.0.0"])
    assert (refs(repo), refs(server)) == before


def test_A02_a_landing_whose_tag_the_server_has_is_no_network_fault(repo: Repo, server: Repo) -> None:
    server.git("tag", "-a", "-m", "forged", "m@v1.0.0", "main")
    before = refs(repo, "refs/heads"), refs(server), repo.state()
    with pytest.raises(IntegrityError, match=r"has another tag m@v1\.0\.0 already"):
        land(repo, tag="m@v1.0.0")
    assert (refs(repo, "refs/heads"), refs(server), repo.state()) == before


def test_a_tag_that_stands_here_is_a_conflict_without_push(repo: Repo) -> None:
    create(repo, ["m@v1.0.0"], push=False)
    with pytest.raises(ConflictError, match="exists already"):
        create(repo, ["m@v1.0.0"], push=False)


@pytest.mark.parametrize(("batch", "pushes"), [(None, [7]), (3, [3, 3, 1]), (7, [7]), (1, [1] * 7)])
def test_pushes_of_so_many_tags_each(
    repo: Repo, server: Repo, tmp_path: Path, batch: int | None, pushes: list[int]
) -> None:
    log = tmp_path / "log"
    hook = server.path / "hooks/post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nwc -l >> {log}\n")
    hook.chmod(0o755)
    names = [f"m@v1.0.{n}" for n in range(7)]
    assert create(repo, names, batch=batch) == names
    assert [int(line) for line in log.read_text().split()] == pushes
    assert refs(server, "refs/tags") == refs(repo, "refs/tags")
    assert create(repo, names, batch=batch) == []
    assert len(log.read_text().split()) == len(pushes)


def test_a_push_of_no_tags_each_makes_no_sense(repo: Repo, server: Repo) -> None:
    with pytest.raises(UsageError):
        create(repo, ["m@v1.0.0"], batch=0)
    assert refs(server, "refs/tags") == ""


def test_announce_brings_tags_to_the_server_that_were_made_here_only(repo: Repo, tmp_path: Path) -> None:
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(tmp_path, "one"), registry=repo.path)
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    server = Repo.init(tmp_path / "server.git", bare=True)
    repo.git("remote", "add", "origin", str(server.path))
    repo.git("push", "-q", "origin", "main")
    assert refs(server, "refs/tags") == ""
    made = done("announce", "--push", "--json", registry=repo.path).json("announce")
    assert sorted(made["pushed"]) == sorted(repo.git("tag").split())
    assert refs(server, "refs/tags") == refs(repo, "refs/tags")
    again = done("announce", "--push", "--json", registry=repo.path).json("announce")
    assert (again["created"], again["pushed"], again["existing"]) == ([], [], 2)
    fresh = server.clone(tmp_path / "fresh", "--no-tags")
    none = done("announce", "--push", "--json", registry=fresh.path).json("announce")
    assert (none["created"], none["pushed"], none["existing"]) == ([], [], 2)
    assert refs(fresh, "refs/tags") == refs(server, "refs/tags")


def test_A03_announce_pushes_no_tag_that_says_something_else(repo: Repo, tmp_path: Path) -> None:
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(tmp_path, "one"), registry=repo.path)
    server = repo.bare(tmp_path / "server.git")
    server.git("tag", "-d", "churn@v1.0.0")
    repo.git("tag", "-f", "-a", "-m", "trust me", "churn@v1.0.0", "churn@v1.0.0^{}")
    assert modelreg("announce", "--push", registry=repo.path).code == 3
    assert refs(server, "refs/tags") == ""


# --- answers of a server


def _hook(server: Repo, name: str, script: str) -> None:
    hook = server.path / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)


def test_F03_a_race_that_only_the_server_sees_is_tried_again(repo: Repo, server: Repo, tmp_path: Path) -> None:
    """Somebody's commit arrives between the server's offer and its transaction."""
    other = server.clone(tmp_path / "other")
    theirs = other.commit("theirs", {"b.txt": "1\n"})
    other.git("push", "-q", "origin", "main:refs/heads/parked")
    marker = tmp_path / "once"
    script = f"test -e {marker} && exit 0; touch {marker}\nunset GIT_QUARANTINE_PATH\n"
    _hook(server, "pre-receive", f"{script}git -C {server.path} update-ref refs/heads/main {theirs}")
    landed = land(repo, tag="m@v1.0.0")
    assert landed is not None
    assert marker.exists()
    assert (server.rev("main"), repo.rev("HEAD~1")) == (repo.head, theirs)
    assert server.rev("m@v1.0.0^{}") == repo.head


def test_F03_a_loss_that_git_itself_sees_is_believed(
    repo: Repo, server: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's commit arrives between fetch and push: nothing was sent, so that the server need not be asked."""
    other = server.clone(tmp_path / "other")
    other.commit("theirs", {"b.txt": "1\n"})
    asked: list[str] = []
    pushed = remote.push

    def push(git: Door, refs: Mapping[str, str]) -> bool:
        if not asked:
            asked.append("once")
            other.git("push", "-q", "origin", "main")
            with monkeypatch.context() as patched:
                patched.setattr(remote, "_refs", lambda *_: pytest.fail("asked"))
                assert not pushed(git, refs)
            return False
        return pushed(git, refs)

    monkeypatch.setattr(remote, "push", push)
    landed = land(repo, tag="m@v1.0.0")
    assert landed is not None
    assert (server.rev("main"), repo.rev("HEAD~1")) == (landed.commit, other.head)


def test_F03_where_nothing_landed_nothing_is_fetched(repo: Repo, server: Repo, tmp_path: Path) -> None:
    """The server is asked where its branch is; whatever else it says than what was seen last is fetched."""
    repo.git("fetch", "-q")
    (door := Door.open(repo.path)).git.settings  # noqa: B018 - read before they are counted
    started: list[str] = []
    run = door.git.run

    def counted(args: Sequence[str], **options: object) -> object:
        started.append(args[0])
        return run(args, **options)  # type: ignore[arg-type]

    door.git.run = counted  # type: ignore[method-assign, assignment]
    remote.fetch(door, "main", ask=True)
    assert started == ["ls-remote"]
    other = server.clone(tmp_path / "other")
    for name in ("ahead", "rewritten", "back"):
        started.clear()
        if name == "back":
            server.git("update-ref", "refs/heads/main", "main~1")
        else:
            other.git("reset", "-q", "--hard", repo.head)
            other.commit(name, {"b.txt": name})
            other.git("push", "-q", "-f", "origin", "main")
        remote.fetch(door, "main", ask=True)
        assert started == ["ls-remote", "fetch"]
        assert repo.rev("origin/main") == server.rev("main")
    server.git("update-ref", "-d", "refs/heads/main")
    remote.fetch(door, "main", ask=True)
    assert started[-1] == "fetch"


def test_a_file_that_was_only_touched_is_no_edit_when_the_branch_is_brought_forward(
    repo: Repo, server: Repo, tmp_path: Path
) -> None:
    repo.commit("first", {"b.txt": "1\n", "c.txt": "1\n"})
    repo.git("push", "-q", "origin", "main")
    other = server.clone(tmp_path / "other")
    other.commit("theirs", {"b.txt": "2\n", "c.txt": "2\n"})
    other.git("push", "-q", "origin", "main")
    os.utime(repo.path / "b.txt", (AT, AT))
    landed = land(repo)
    assert landed is not None
    assert (repo.path / "b.txt").read_text() == "2\n"
    assert repo.state().strip() == ""


def test_a_rule_of_the_server_is_a_denial(repo: Repo, server: Repo) -> None:
    _hook(server, "pre-receive", "echo 'GH013: Repository rule violations found' >&2; exit 1")
    before = refs(repo), refs(server), repo.state()
    with pytest.raises(DeniedError, match="GH013"):
        land(repo)
    assert (refs(repo), refs(server), repo.state()) == before


def test_F04_a_server_without_atomic_push(repo: Repo, server: Repo) -> None:
    server.git("config", "receive.advertiseAtomic", "false")
    with pytest.raises(UnavailableError, match="atomic"):
        land(repo, tag="m@v1.0.0")
    assert refs(server, "refs/tags") == ""


def test_no_remote_is_said(repo: Repo) -> None:
    with pytest.raises(UnavailableError, match="there is no remote origin"):
        land(repo)


# --- inherited environment, and what the repository's config does beside


def test_A21_inherited_variables_break_nothing(
    repo: Repo, server: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = str(tmp_path / "nowhere")
    for name in (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_COMMON_DIR",
        "GIT_TEMPLATE_DIR",
    ):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("GIT_NAMESPACE", "other")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'remote.origin.url'='nowhere'")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    monkeypatch.setenv("GIT_PUSH_OPTION_COUNT", "x")
    landed = land(repo, tag="m@v1.0.0")
    created = create_quietly(repo)
    for name in list(os.environ):
        if name.startswith("GIT_") and name not in ("GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES"):
            monkeypatch.delenv(name)
    assert landed is not None
    assert created == ["m@v2.0.0"]
    assert (server.rev("main"), server.rev("m@v1.0.0^{}")) == (landed.commit, landed.commit)
    assert refs(server, "refs/namespaces") == ""
    assert not (tmp_path / "trace").exists()


def create_quietly(repo: Repo) -> list[str]:
    repository = GitRepository.open(repo.path)
    tip = repository.branch_tip("main")
    assert tip is not None
    return list(repository.create_tags([Tag("m@v2.0.0", tip, "x\n", AT)], push=True))


def test_A21_nothing_is_pushed_or_fetched_beside_what_was_asked(repo: Repo, server: Repo, tmp_path: Path) -> None:
    other = server.clone(tmp_path / "other")
    theirs = other.commit("theirs", {"b.txt": "1\n"})
    other.git("tag", "-a", "-m", "x", "noise")
    other.git("push", "-q", "origin", "main", "main:side", "noise")
    repo.git("branch", "side")
    repo.git("tag", "-a", "-m", "mine", "private")
    repo.git("update-ref", "refs/remotes/origin/gone", "HEAD")
    for key, value in {
        "remote.origin.fetch": "+refs/tags/*:refs/tags/*",
        "remote.origin.mirror": "true",
        "remote.origin.prune": "true",
        "remote.origin.tagOpt": "--tags",
        "fetch.prune": "true",
        "fetch.pruneTags": "true",
        "push.followTags": "true",
        "push.default": "matching",
        "push.recurseSubmodules": "on-demand",
        "fetch.recurseSubmodules": "true",
        "push.gpgSign": "true",
    }.items():
        repo.git("config", key, value)
    side, gone = repo.rev("side"), repo.rev("refs/remotes/origin/gone")
    landed = land(repo)
    assert landed is not None
    assert (repo.rev("side"), repo.rev("refs/remotes/origin/gone")) == (side, gone)
    assert (repo.git("tag"), server.git("tag")) == ("private", "noise")
    assert (server.rev("side"), server.rev("main~1")) == (theirs, theirs)


@pytest.mark.parametrize("refspec", ["+refs/heads/*:refs/heads/*", "+refs/*:refs/*", "refs/heads/main:side"])
def test_A21_a_push_that_git_would_note_in_a_branch_of_mine(repo: Repo, server: Repo, refspec: str) -> None:
    repo.git("branch", "side")
    repo.git("config", "--add", "remote.origin.fetch", refspec)
    before = refs(repo), refs(server)
    with pytest.raises(UnavailableError, match="and so would a push"):
        land(repo)
    assert (refs(repo), refs(server)) == before


def test_a_tag_that_a_push_has_noted_already(repo: Repo, server: Repo) -> None:
    repo.git("config", "--add", "remote.origin.fetch", "+refs/tags/*:refs/tags/*")
    landed = land(repo, tag="m@v1.0.0")
    assert landed is not None
    assert refs(server, "refs/tags") == refs(repo, "refs/tags") != ""
    assert create(repo, ["m@v2.0.0"]) == ["m@v2.0.0"]


@pytest.mark.parametrize(
    "key", ["remote.origin.uploadpack", "remote.origin.receivepack", "remote.origin.vcs", "core.gitProxy"]
)
def test_A21_a_program_that_cannot_be_overridden_is_refused(repo: Repo, server: Repo, tmp_path: Path, key: str) -> None:
    mark = tmp_path / "mark"
    repo.git("config", key, f"touch {mark}; git-upload-pack")
    with pytest.raises(UnavailableError, match="names a program"):
        land(repo)
    assert not mark.exists()
    assert server.rev("main") == repo.head


@pytest.mark.parametrize(
    "url", ["./evil.git", "{top}/evil.git", "file://{top}/evil.git", ".", "{top}/.git", "link.git"]
)
def test_A21_a_remote_inside_the_repository_is_refused(repo: Repo, tmp_path: Path, url: str) -> None:
    evil = repo.clone(repo.path / "evil.git", "--bare")
    (repo.path / "link.git").symlink_to("evil.git")
    mark = tmp_path / "mark"
    _hook(evil, "pre-receive", f"touch {mark}")
    repo.git("remote", "add", "origin", url.format(top=repo.path))
    with pytest.raises(UnavailableError, match="into the repository itself"):
        land(repo)
    repo.git("remote", "set-url", "origin", str(tmp_path))
    repo.git("remote", "set-url", "--push", "origin", url.format(top=repo.path))
    with pytest.raises(UnavailableError, match="into the repository itself"):
        land(repo)
    assert not mark.exists()


@pytest.mark.parametrize("key", ["insteadOf", "pushInsteadOf"])
def test_A21_a_remote_that_another_setting_puts_inside_the_repository(repo: Repo, tmp_path: Path, key: str) -> None:
    evil = repo.clone(repo.path / "evil.git", "--bare")
    mark = tmp_path / "mark"
    _hook(evil, "pre-receive", f"touch {mark}")
    repo.bare(tmp_path / "server.git")
    repo.git("config", f"url.{evil.path}.{key}", str(tmp_path / "server.git"))
    with pytest.raises(UnavailableError, match="into the repository itself"):
        land(repo)
    assert not mark.exists()


def test_A21_a_transport_that_runs_a_program(repo: Repo, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    repo.git("config", "protocol.ext.allow", "always")
    repo.git("remote", "add", "origin", f"ext::sh -c touch% {mark}")
    with pytest.raises(UnavailableError, match="not allowed"):
        land(repo)
    assert not mark.exists()


# --- ssh, askpass and credential helpers: the user's run, the repository's do not


def program(folder: Path, name: str, script: str) -> str:
    """A script that leaves a mark `name.ran`."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ntouch {folder}/{name}.ran\n{script}\n")
    path.chmod(0o755)
    return str(path)


def ran(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.ran")}


SSH = 'for last; do :; done\nexec sh -c "$last"'


def _system_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "system").write_text(text)
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "system"))


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("source", ["GIT_SSH_COMMAND", "GIT_SSH", "global", "system", "plain"])
def test_A21_ssh_is_the_users(
    repo: Repo, server: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, *, hostile: bool
) -> None:
    marks = tmp_path / "marks"
    user, evil = program(marks, "ssh", SSH), program(marks, "evil", SSH)
    if source == "global":
        repo.git("config", "--global", "core.sshCommand", user)
    elif source == "system":
        _system_config(tmp_path, monkeypatch, f"[core]\n\tsshCommand = {user}\n")
    elif source == "plain":
        monkeypatch.setenv("PATH", f"{marks}:{os.environ['PATH']}")
    else:
        monkeypatch.setenv(source, user)
    if hostile:
        repo.git("config", "core.sshCommand", evil)
    repo.git("remote", "set-url", "origin", f"ssh://server.example{server.path}")
    landed = land(repo)
    assert landed is not None
    assert server.rev("main") == landed.commit
    assert ran(marks) == {"ssh"}


class _Answers(http.server.BaseHTTPRequestHandler):
    """Asks for a password, and notes what was sent."""

    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("Authorization"))  # type: ignore[attr-defined]
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def password_server() -> Iterator[tuple[str, list[str | None]]]:
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    seen: list[str | None] = []
    httpd.seen = seen  # type: ignore[attr-defined]
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}", seen
    finally:
        httpd.shutdown()
        httpd.server_close()


HELPER = 'test "$1" = get && printf "username=user\\npassword=secret\\n"'
BASIC = "Basic dXNlcjpzZWNyZXQ="  # user:secret


def ask(repo: Repo, url: str) -> None:
    repo.git("remote", "add", "origin", f"{url}/r.git")
    with pytest.raises(UnavailableError):
        remote.fetch(Door.open(repo.path), "main")


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("source", ["global", "system", "for the host"])
def test_A21_credential_helpers_are_the_users(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, *, hostile: bool
) -> None:
    marks = tmp_path / "marks"
    user, evil = program(marks, "user", HELPER), program(marks, "evil", HELPER)
    with password_server() as (url, seen):
        if source == "system":
            _system_config(tmp_path, monkeypatch, f"[credential]\n\thelper = {user}\n")
        else:
            key = "credential.helper" if source == "global" else f"credential.{url}.helper"
            repo.git("config", "--global", key, user)
        if hostile:
            repo.git("config", "credential.helper", evil)
            repo.git("config", f"credential.{url}.helper", f"!{evil}")
        ask(repo, url)
    assert BASIC in seen
    assert ran(marks) == {"user"}


def test_A21_a_credential_helper_of_the_repository_alone_does_not_run(repo: Repo, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    evil = program(marks, "evil", HELPER)
    with password_server() as (url, seen):
        repo.git("config", "credential.helper", evil)
        repo.git("config", f"credential.{url}.helper", evil)
        repo.git("config", "core.askPass", program(marks, "askpass", "echo secret"))
        ask(repo, url)
    assert set(seen) == {None}
    assert ran(marks) == set()


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("source", ["GIT_ASKPASS", "SSH_ASKPASS", "global"])
def test_A21_askpass_is_the_users(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, *, hostile: bool
) -> None:
    marks = tmp_path / "marks"
    user, evil = program(marks, "user", "echo secret"), program(marks, "evil", "echo secret")
    if source == "global":
        repo.git("config", "--global", "core.askPass", user)
    else:
        monkeypatch.setenv(source, user)
    if hostile:
        repo.git("config", "core.askPass", evil)
    with password_server() as (url, seen):
        ask(repo, url)
    assert any(seen)
    assert ran(marks) == {"user"}


def test_the_header_that_a_runner_puts_into_the_repository_is_sent(repo: Repo) -> None:
    with password_server() as (url, seen):
        repo.git("config", f"http.{url}/.extraheader", "AUTHORIZATION: basic cnVubmVyOnRva2Vu")
        ask(repo, url)
    assert "basic cnVubmVyOnRva2Vu" in seen


# --- F05: the network drops


class Proxy:
    """Forwards to a port; connection number `which` is cut once so many bytes came from one side."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.cut(None)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def cut(self, which: int | None, side: str = "client", after: int = 0, *, onwards: bool = False) -> None:
        """Connection `which`, counted from now on (with `onwards` all later ones too); None: no more cuts."""
        self.which, self.side, self.after, self.onwards = which, side, after, onwards
        self.sizes: list[dict[str, int]] = []

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()

    def _accept(self) -> None:
        """One connection after the other: git opens no two at a time."""
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            number = len(self.sizes)
            hit = self.which is not None and (number == self.which or (self.onwards and number > self.which))
            passed = {"client": 0, "server": 0}
            self.sizes.append(passed)
            with client, socket.create_connection(("127.0.0.1", self.target)) as server, contextlib.suppress(OSError):
                self._forward({"client": client, "server": server}, passed, self.after if hit else None)

    def _forward(self, ends: dict[str, socket.socket], passed: dict[str, int], limit: int | None) -> None:
        other = {"client": "server", "server": "client"}
        talking = set(ends)
        while talking:
            if limit is not None and passed[self.side] >= limit:
                return
            ready, _, _ = select.select([ends[side] for side in talking], [], [])
            for side in [side for side in talking if ends[side] in ready]:
                room = limit - passed[side] if limit is not None and side == self.side else 65536
                data = ends[side].recv(min(room, 65536))
                if not data:
                    talking.discard(side)
                    ends[other[side]].shutdown(socket.SHUT_WR)
                ends[other[side]].sendall(data)
                passed[side] += len(data)


@pytest.fixture
def proxy(repo: Repo, server: Repo, tmp_path: Path) -> Iterator[Proxy]:
    """A git daemon on loopback, and a proxy before it, which is origin."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all"]
    command += ["--enable=receive-pack", f"--base-path={tmp_path}", str(server.path)]
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    made = Proxy(port)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        repo.git("remote", "set-url", "origin", f"git://127.0.0.1:{made.port}/server.git")
        yield made
    finally:
        made.close()
        os.killpg(daemon.pid, 15)
        daemon.wait()


FETCH, PUSH = 0, 1


def landed_once(repo: Repo, server: Repo, before: int) -> None:
    assert repo.head == server.rev("main") == repo.rev("refs/remotes/origin/main")
    assert int(server.git("rev-list", "--count", "main")) == before + 1
    assert repo.state().strip() == ""
    assert refs(repo, "refs/tags") == refs(server, "refs/tags")
    assert not (repo.path / ".git/modelreg/journal.json").exists()
    repo.git("fsck", "--strict")


@pytest.mark.parametrize("onwards", [False, True])
@pytest.mark.parametrize("side", ["client", "server"])
def test_F05_a_push_that_is_cut_lands_once_or_not_at_all(
    repo: Repo, server: Repo, proxy: Proxy, side: str, *, onwards: bool
) -> None:
    proxy.cut(None)
    land(repo, "first.txt", tag="m@v1.0.x")
    for place in (repo, server):
        place.git("tag", "-d", "m@v1.0.x")
    total = proxy.sizes[PUSH][side]
    assert total > 100
    outcomes = set()
    for number, after in enumerate((0, 1, total // 4, total // 2, total * 3 // 4, total - 5, total - 1)):
        path, tag = f"{number}.txt", f"m@v1.0.{number}"
        before = int(server.git("rev-list", "--count", "main"))
        head = repo.head
        proxy.cut(PUSH, side, after, onwards=onwards)
        try:
            landed = land(repo, path, tag=tag)
        except ModelregError as error:
            assert isinstance(error, UnavailableError)  # noqa: PT017
            assert "try again" in str(error.hint)  # noqa: PT017
            outcomes.add("unknown" if "not known" in error.message else "refused")
            assert (repo.head, repo.state().strip()) == (head, "")
            proxy.cut(None)
            time.sleep(0.2)  # the server may still be at it
            land(repo, path, tag=tag)
            if repo.rev(f"refs/tags/{tag}") is None:  # it had landed unheard: the tag is on the server already
                repo.git("fetch", "-q", "--tags")
        else:
            assert landed is not None
            outcomes.add("landed")
        proxy.cut(None)
        landed_once(repo, server, before)
        for place in (repo, server):  # so that the server's next offer is as long as the last
            place.git("tag", "-d", tag)
    assert outcomes <= {"landed", "refused", "unknown"}
    assert ("unknown" in outcomes) == onwards
    if side == "server" and not onwards:
        assert "landed" in outcomes  # the answer was lost, and the outcome read back


def test_F05_an_answer_that_is_lost_after_somebody_built_on_it(
    repo: Repo, server: Repo, proxy: Proxy, tmp_path: Path
) -> None:
    """The server took the push, the answer is lost, and a second clone pushes before the outcome is read back."""
    proxy.cut(None)
    land(repo, "first.txt")
    total = proxy.sizes[PUSH]["server"]
    other = server.clone(tmp_path / "other")
    build = "git pull -q && touch more && git add more && git commit -qm more && git push -q"
    guard = f'test "$1" = committed && test ! -e {other.path}/more || exit 0'  # once, before the server answers
    script = f"{guard}\nunset GIT_QUARANTINE_PATH $(git rev-parse --local-env-vars)\ncd {other.path} && {build}"
    _hook(server, "reference-transaction", f"({script}) >/dev/null 2>&1")
    proxy.cut(PUSH, "server", total - 5)
    landed = land(repo, "second.txt")
    assert landed is not None
    assert server.git("log", "--format=%s", "main").splitlines()[:2] == ["more", "land second.txt"]
    assert (repo.head, repo.state().strip()) == (landed.commit, "")


def test_F05_tags_whose_answer_is_lost_are_read_back(repo: Repo, server: Repo, proxy: Proxy) -> None:
    proxy.cut(None)
    assert create(repo, ["m@v1.0.0"]) == ["m@v1.0.0"]
    total = proxy.sizes[PUSH]["server"]
    for place in (repo, server):
        place.git("tag", "-d", "m@v1.0.0")
    proxy.cut(PUSH, "server", total - 5)
    assert create(repo, ["m@v2.0.0"]) == ["m@v2.0.0"]
    assert refs(repo, "refs/tags") == refs(server, "refs/tags") != ""


def test_F05_a_fetch_that_is_cut_changes_nothing(repo: Repo, server: Repo, proxy: Proxy) -> None:
    before = refs(repo), refs(server), repo.state()
    for after in (0, 20, 100):
        proxy.cut(FETCH, "server", after)
        with pytest.raises(UnavailableError, match="could not be fetched"):
            land(repo)
        assert (refs(repo), refs(server), repo.state()) == before
