"""A20: pushes that go round every pull request, to a server of one's own with the hook installed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import done, modelreg
from tests.keys import Key
from tests.support import Repo, run
from tests.threats.lab import ANN, BO, CY, POLICY, STAGES, Lab, dumped, found, policy

CHURN = "registry/churn"


def rules() -> dict[str, Any]:
    """As `policy`, and production asks for a signed approval of a reviewer."""
    body = policy()
    body["gates"][-1]["require"]["approvals"] = {"count": 1, "role": "reviewer", "from": ["signature"]}
    return body


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, anns: Key, bos: Key, cys: Key) -> Lab:
    """churn 1.0.0 (f1 0.9) in staging, 1.0.1 (0.95) and 1.0.2 (0.5) in development; a server that has all of it."""
    lab = found(tmp_path_factory.mktemp("pushes"), rules(), {ANN: anns, BO: bos, CY: cys})
    for f1 in (0.9, 0.95, 0.5):
        lab.register(f1)
    lab.done("stage", "set", "churn", "1.0.0", "staging")
    server = lab.repo.bare(lab.top.parent / "server.git")
    done("hook", "install", server.path)
    return lab


@pytest.fixture
def lab(made: Lab, tmp_path: Path) -> Lab:
    """A clone, and the server that is its origin."""
    shutil.copytree(made.top, tmp_path / "repo", symlinks=True)
    shutil.copytree(made.top.parent / "server.git", tmp_path / "server.git", symlinks=True)
    repo = Repo(tmp_path / "repo")
    repo.git("remote", "set-url", "origin", tmp_path / "server.git")
    return Lab(repo, made.keys)


def refs(lab: Lab) -> str:
    return Repo(lab.top.parent / "server.git").git("for-each-ref")


def push(lab: Lab, *what: str) -> tuple[bool, str]:
    """Whether the server took it, and what it said. One that refuses has not moved anything."""
    before = refs(lab)
    answer = run("git", "push", "-q", "origin", *(what or ("main",)), cwd=lab.top, check=False)
    assert "Traceback" not in answer.stderr
    assert (refs(lab) == before) == (answer.returncode != 0)
    return answer.returncode == 0, answer.stderr


# --- the illegal: each leaves something to push, and says what


def force_push(lab: Lab) -> list[str]:
    lab.repo.git("reset", "-q", "--hard", "HEAD~1")
    lab.commit({"train.py": b"1\n"})
    return ["--force", "main"]


def deletion(lab: Lab) -> list[str]:
    return [":main"]


def edited_manifest(lab: Lab) -> list[str]:
    path = f"{CHURN}/1.0.2/manifest.yaml"
    lab.commit({path: lab.data(path).replace(b"0.5", b"0.9")})
    return ["main"]


def removed_transition(lab: Lab) -> list[str]:
    lab.commit({f"{CHURN}/transitions/0001.yaml": None, STAGES: dumped({"format": 1, "aliases": {}})})
    return ["main"]


def stages_without_record(lab: Lab) -> list[str]:
    lab.commit({STAGES: dumped({"format": 1, "production": "1.0.1", "staging": ["1.0.0"], "aliases": {}})})
    return ["main"]


def taken_back_in_one_push(lab: Lab) -> list[str]:
    before = lab.data(STAGES)
    stages_without_record(lab)
    lab.commit({STAGES: before})
    return ["main"]


def skipped_stage(lab: Lab) -> list[str]:
    lab.commit(lab.move("1.0.1", "production"))
    return ["main"]


def below_the_floor(lab: Lab) -> list[str]:
    lab.commit(lab.move("1.0.2", "staging"))
    return ["main"]


def no_approval(lab: Lab) -> list[str]:
    lab.commit(lab.move("1.0.0", "production"))
    return ["main"]


def weakened_policy(lab: Lab) -> list[str]:
    lab.commit({POLICY: dumped(policy(serial=2, gates=[]))})
    return ["main"]


def two_versions_on_one_commit(lab: Lab) -> list[str]:
    lab.register(0.91)
    lab.register(0.92)
    lab.repo.git("reset", "-q", "--soft", "HEAD~2")
    lab.commit()
    return ["main"]


def foxtrot(lab: Lab) -> list[str]:
    """A merge whose first parent is the topic: main's own landings are no landings of it any more."""
    lab.repo.git("switch", "-q", "-c", "topic", "HEAD~1")
    lab.commit({"train.py": b"1\n"})
    lab.repo.git("merge", "-q", "--no-ff", "-m", "foxtrot", "main")
    return ["topic:main"]


def moved_tag(lab: Lab) -> list[str]:
    lab.repo.git("tag", "-f", "-a", "-m", "moved", "churn@v1.0.0", "HEAD")
    return ["--force", "refs/tags/churn@v1.0.0"]


def deleted_tag(lab: Lab) -> list[str]:
    return [":refs/tags/churn@v1.0.0"]


def with_a_new_version(lab: Lab) -> str:
    """A registration that is pushed without its tag; the tag's name."""
    version = lab.register(0.93)
    assert push(lab)[0]
    lab.repo.git("tag", "-d", f"churn@v{version}")
    return f"churn@v{version}"


def lightweight_tag(lab: Lab) -> list[str]:
    name = with_a_new_version(lab)
    lab.repo.git("tag", name)
    return [f"refs/tags/{name}"]


def unearned_tag(lab: Lab) -> list[str]:
    lab.repo.git("tag", "-a", "-m", "there", "churn#production#2", "HEAD")
    return ["refs/tags/churn#production#2"]


def annotated_tag_that_says_otherwise(lab: Lab) -> list[str]:
    name = with_a_new_version(lab)
    lab.repo.git("tag", "-a", "-m", "registered", name, "HEAD")
    return [f"refs/tags/{name}"]


def tag_object_of_another_name(lab: Lab) -> list[str]:
    name = with_a_new_version(lab)
    lab.repo.git("update-ref", f"refs/tags/{name}", "refs/tags/churn@v1.0.0")
    return [f"refs/tags/{name}"]


def tag_with_two_targets(lab: Lab) -> list[str]:
    """One reader takes the first target, another the last: git, GTO and DVC would serve the first."""
    name = with_a_new_version(lab)
    lab.done("announce")
    good = lab.repo.git("cat-file", "tag", name)
    head, _, message = good.partition("\n\n")
    evil = head.replace(lab.repo.head, lab.repo.rev("HEAD~1") or "")
    body = f"{evil}\nobject {lab.repo.head}\n\n{message}\n"
    lab.repo.git(
        "update-ref",
        f"refs/tags/{name}",
        lab.repo.git("hash-object", "-t", "tag", "-w", "--stdin", "--literally", input=body),
    )
    return [f"refs/tags/{name}"]


def back_dated(lab: Lab) -> list[str]:
    lab.commit({"train.py": b"1\n"}, at=int(time.time()) - 3600)
    return ["main"]


def back_dated_step_by_step(lab: Lab) -> list[str]:
    for step in range(1, 5):
        lab.commit({"train.py": b"%d\n" % step}, at=int(time.time()) - 200 * step)
    return ["main"]


def from_the_future(lab: Lab) -> list[str]:
    lab.commit({"train.py": b"1\n"}, at=int(time.time()) + 3600)
    return ["main"]


def replaced_object(lab: Lab) -> list[str]:
    lab.repo.git("replace", "HEAD", "HEAD~1")
    return ["refs/replace/*"]


def remote_tracking_branch(lab: Lab) -> list[str]:
    """Whoever reads the server by its path takes origin/main for the newer main."""
    stages_without_record(lab)
    return ["main:refs/remotes/origin/main"]


def another_registry_to_confuse(lab: Lab) -> list[str]:
    """A registry elsewhere that holds its own founding and a transition."""
    lab.commit({f"other/{path}": lab.data(path) for path in lab.repo.git("ls-files", "registry").split("\n")})
    return ["main"]


ILLEGAL: tuple[Callable[[Lab], list[str]], ...] = (
    *(force_push, deletion, edited_manifest, removed_transition, stages_without_record, taken_back_in_one_push),
    *(skipped_stage, below_the_floor, no_approval, weakened_policy, two_versions_on_one_commit, foxtrot, moved_tag),
    *(deleted_tag, lightweight_tag, unearned_tag, annotated_tag_that_says_otherwise, tag_object_of_another_name),
    *(tag_with_two_targets, back_dated, back_dated_step_by_step, from_the_future, replaced_object),
    *(remote_tracking_branch, another_registry_to_confuse),
)


@pytest.mark.parametrize("attack", ILLEGAL, ids=lambda attack: attack.__name__)
def test_an_illegal_push_is_refused(lab: Lab, attack: Callable[[Lab], list[str]]) -> None:
    taken, said = push(lab, *attack(lab))
    assert not taken
    assert "refused refs/" in said


# --- the legal


def registration(lab: Lab) -> list[str]:
    lab.register(0.93)
    return ["main"]


def registration_with_its_tags(lab: Lab) -> list[str]:
    version = lab.register(0.93)
    return ["main", f"refs/tags/churn@v{version}"]


def approved_promotion(lab: Lab) -> list[str]:
    files = lab.move("1.0.0", "production")
    with lab.branch("promote/churn-1.0.0-production"):
        lab.commit(files)
        lab.commit(lab.vote(files))
    lab.repo.git("merge", "-q", "--no-ff", "-m", "Merge the proposal", "promote/churn-1.0.0-production")
    return ["main"]


def promotion(lab: Lab) -> list[str]:
    lab.commit(lab.move("1.0.1", "staging"))
    return ["main"]


def statement(lab: Lab) -> list[str]:
    lab.commit(lab.evaluation(0.9, key=lab.keys[BO]))
    return ["main"]


def several_landings(lab: Lab) -> list[str]:
    version = lab.register(0.93)
    lab.done("stage", "set", "churn", version, "staging")
    lab.commit({"train.py": b"1\n"})
    lab.commit(lab.evaluation(0.9))
    return ["main", "--tags"]


def approved_change_of_the_policy(lab: Lab) -> list[str]:
    new = {POLICY: dumped(policy(serial=2, gates=[]))}
    lab.commit({**new, **lab.approval(new)})
    return ["main"]


def code(lab: Lab) -> list[str]:
    lab.commit({"train.py": b"1\n", ".github/workflows/test.yml": b"on: push\n"})
    lab.repo.git("tag", "v1.0")
    return ["main", "refs/tags/v1.0"]


def a_proposals_branch(lab: Lab) -> list[str]:
    """Even one that would never land, rewritten later: it is not the registry."""
    lab.repo.git("switch", "-q", "-c", "promote/churn")
    stages_without_record(lab)
    return ["promote/churn", "main:feature"]


LEGAL: tuple[Callable[[Lab], list[str]], ...] = (
    *(registration, registration_with_its_tags, promotion, approved_promotion, statement, several_landings),
    *(approved_change_of_the_policy, code, a_proposals_branch),
)


@pytest.mark.parametrize("deed", LEGAL, ids=lambda deed: deed.__name__)
def test_a_legal_push_is_accepted(lab: Lab, deed: Callable[[Lab], list[str]]) -> None:
    taken, said = push(lab, *deed(lab))
    assert taken, said
    assert lab.verified() == []


def test_one_bad_ref_refuses_all_of_a_push(lab: Lab) -> None:
    version = lab.register(0.93)
    lab.repo.git("tag", "-f", f"churn@v{version}")
    for atomic in ((), ("--atomic",)):
        assert not push(lab, *atomic, "main", f"refs/tags/churn@v{version}", "main:feature")[0]


def test_a_tag_that_was_there_before_its_model_can_be_taken_away(lab: Lab) -> None:
    """Whoever pushes it first would otherwise keep the true one out for ever."""
    lab.repo.git("tag", "fresh@v1.0.0")
    assert push(lab, "refs/tags/fresh@v1.0.0")[0], "as yet it says nothing of any model"
    lab.repo.git("tag", "-d", "fresh@v1.0.0")
    lab.register(0.9, "fresh")
    assert push(lab)[0]
    assert not push(lab, "--force", "HEAD~2:refs/tags/fresh@v1.0.0")[0]
    assert push(lab, ":refs/tags/fresh@v1.0.0")[0]
    assert push(lab, "refs/tags/fresh@v1.0.0")[0]
    assert not push(lab, ":refs/tags/fresh@v1.0.0")[0]


# --- which registry, and who founds it


@pytest.fixture
def server(tmp_path: Path) -> Repo:
    server = Repo.init(tmp_path / "server.git", branch="trunk", bare=True)
    done("hook", "install", server.path)
    return server


@pytest.mark.parametrize("root", ["", "ml/team"])
def test_a_registry_is_guarded_whatever_head_says(tmp_path: Path, server: Repo, root: str) -> None:
    """HEAD of the server names a branch that there is not; and the registry may lie in a folder."""
    repo = Repo.init(tmp_path / "repo")
    repo.commit("first", {"README.md": "hello\n"}, at=int(time.time()) - 60)
    (repo.path / root).mkdir(parents=True, exist_ok=True)
    done("init", "--embedded", registry=repo.path / root)
    repo.git("remote", "add", "origin", server.path)
    lab = Lab(repo, {})
    repo.git("switch", "-q", "-c", "aside", "HEAD~1")
    repo.git("switch", "-q", "main")
    assert push(lab, "aside", "main")[0], "a first push founds the registry"
    prefix = f"{root}/registry" if root else "registry"
    manifest = f"{prefix}/registry.yaml"
    lab.commit(
        {
            "other/registry/registry.yaml": lab.data(manifest),
            "other/registry/policy.yaml": lab.data(f"{prefix}/policy.yaml"),
        }
    )
    assert push(lab)[0], "a second registry is founded beside it"
    evil = lab.data(manifest).replace(b"branch: main", b"branch: other").replace(b"id: ", b"id: 0")
    lab.repo.git("switch", "-q", "-c", "also", "main")
    repo.git("switch", "-q", "main")
    lab.commit({manifest: evil})
    taken, said = push(lab, "also:aaa", "main")
    assert not taken
    assert "never changes" in said


def test_the_first_push_does_not_bring_what_was_never_judged(tmp_path: Path, server: Repo) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit("first", {"README.md": "hello\n"}, at=int(time.time()) - 60)
    done("init", "--embedded", registry=repo.path)
    repo.git("remote", "add", "origin", server.path)
    lab = Lab(repo, {})
    lab.register(0.9)
    lab.commit(lab.move("1.0.0", "production"))
    taken, said = push(lab)
    assert not taken
    assert "transition" in said


def test_the_landing_that_founds_a_registry_holds_no_transition(tmp_path: Path, server: Repo) -> None:
    """Not even one that the policy which comes with it would allow."""
    repo = Repo.init(tmp_path / "repo")
    first = repo.commit("first", {"README.md": "hello\n"}, at=int(time.time()) - 60)
    done("init", "--embedded", registry=repo.path)
    repo.git("remote", "add", "origin", server.path)
    lab = Lab(repo, {})
    lab.register(0.9)
    lab.commit(lab.move("1.0.0", "staging"))
    repo.git("reset", "-q", "--soft", first)
    lab.commit()
    taken, said = push(lab)
    assert not taken
    assert "founds a registry holds no transition" in said
    lab.commit({"registry/churn/transitions/0001.yaml": None, STAGES: dumped({"format": 1, "aliases": {}})})
    repo.git("reset", "-q", "--soft", first)
    lab.commit()
    assert push(lab)[0], "a version it may hold"


def test_code_alone_is_nobodys_business(tmp_path: Path, server: Repo) -> None:
    repo = Repo.init(tmp_path / "repo")
    repo.commit("first", {"README.md": "hello\n"})
    repo.git("remote", "add", "origin", server.path)
    assert push(Lab(repo, {}))[0]


def test_install_writes_over_nobodys_hook(server: Repo, tmp_path: Path) -> None:
    hook = server.path / "hooks/pre-receive"
    assert done("hook", "install", server.path).code == 0, "its own it replaces"
    hook.write_text("#!/bin/sh\nexit 0\n")
    assert modelreg("hook", "install", server.path).code == 5
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    done("hook", "install", "--force", server.path)
    assert "modelreg hook pre-receive" in hook.read_text()
    assert hook.stat().st_mode & 0o777 == 0o755
    assert modelreg("hook", "install", Repo.init(tmp_path / "work").path).code == 2


def test_install_says_where_git_would_not_find_the_hook(server: Repo) -> None:
    server.git("config", "--global", "core.hooksPath", "/srv/hooks")
    result = modelreg("hook", "install", server.path)
    assert result.code == 4
    assert "core.hooksPath" in result.err
