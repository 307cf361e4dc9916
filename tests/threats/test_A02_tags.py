"""A02, A03, A04: tags that are moved, deleted, lightweight, under another name, or that say something else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelreg.adapters.repository import GitRepository
from tests.threats.lab import Lab, copy_of

TAG = "churn@v1.0.0"
STAGE = "churn#production#3"


def moved(lab: Lab) -> None:
    message = lab.repo.git("tag", "-l", "--format=%(contents)", TAG)
    lab.repo.git("tag", "-f", "-a", "-m", message, TAG, "HEAD")


def moved_stage(lab: Lab) -> None:
    message = lab.repo.git("tag", "-l", "--format=%(contents)", STAGE)
    lab.repo.git("tag", "-f", "-a", "-m", message, STAGE, "HEAD")


def lightweight(lab: Lab) -> None:
    lab.repo.git("tag", "-f", TAG, f"{TAG}^{{commit}}")


def of_a_blob(lab: Lab) -> None:
    lab.repo.git("tag", "-f", "-a", "-m", "a file", TAG, "HEAD:README.md")


def another_name(lab: Lab) -> None:
    """A true tag object, also a signed one, that is published under another name: git verifies it happily."""
    lab.repo.git("update-ref", "refs/tags/churn@v9.0.0", f"refs/tags/{TAG}")


def another_of_the_names(lab: Lab) -> None:
    lab.repo.git("update-ref", "refs/tags/churn@v1.0.1", f"refs/tags/{TAG}")


def message(lab: Lab) -> None:
    said = lab.repo.git("tag", "-l", "--format=%(contents)", TAG)
    lab.repo.git("tag", "-f", "-a", "-m", said.replace("manifest", "Manifest"), TAG, f"{TAG}^{{commit}}")


def for_an_assignment_that_was_none(lab: Lab) -> None:
    lab.repo.git("tag", "-a", "-m", "there", "churn#production#9", "HEAD")


def nested(lab: Lab) -> None:
    lab.repo.git("tag", "-f", "-a", "-m", "of a tag", TAG, TAG)


FORGERIES: tuple[Callable[[Lab], None], ...] = (
    *(moved, moved_stage, lightweight, of_a_blob, another_name, another_of_the_names, message, nested),
    for_an_assignment_that_was_none,
)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__)
def test_verify_says_that_it_is_forged(lab: Lab, forgery: Callable[[Lab], None]) -> None:
    forgery(lab)
    assert set(lab.verified()) <= {"tag-forged", "tag-unknown"}
    assert lab.verified()


@pytest.mark.parametrize("which", [[TAG], [STAGE], [TAG, STAGE, "churn@v1.0.1"]])
def test_a_deleted_tag_can_be_made_again(lab: Lab, which: list[str]) -> None:
    before = lab.repo.git("for-each-ref", "--format=%(refname) %(*objectname) %(contents)", "refs/tags")
    lab.repo.git("tag", "-d", *which)
    assert lab.verified() == []
    found = lab.run("verify", "--offline", "--json").json("verify")["findings"]
    assert [finding["code"] for finding in found] == ["tag-missing"]
    lab.done("announce")
    assert lab.repo.git("for-each-ref", "--format=%(refname) %(*objectname) %(contents)", "refs/tags") == before


def test_announce_moves_no_tag_that_stands(lab: Lab) -> None:
    moved(lab)
    assert lab.run("announce").code == 3


def test_a_tag_of_the_branchs_name_is_not_the_branch(lab: Lab) -> None:
    """`git rev-parse main` prefers the tag; then whoever may push a tag names the policy that judges."""
    with lab.branch("evil"):
        lab.commit({"registry/policy.yaml": lab.data("registry/policy.yaml").replace(b"min: 0.8", b"min: 0.1")})
    with lab.branch():
        lab.commit(lab.move("1.0.2", "staging"))
    for name in ("main", "origin/main"):
        lab.repo.git("tag", name, "evil")
    assert "metrics.f1" in lab.refused()
    lab.repo.git("update-ref", "refs/remotes/origin/main", "refs/heads/main")
    assert "metrics.f1" in lab.gate(base="origin/main").out
    assert lab.gate(base="origin/main").code == 1


def odd(*headers: str) -> str:
    return "\n".join((*headers, "", "registered", ""))


def test_a_tag_object_is_read_as_git_reads_it(lab: Lab) -> None:
    one, other = lab.repo.head, lab.repo.rev("HEAD~1")
    who = "tagger M <m@example.org> 1700000000 +0000"
    good = ("type commit", "tag x", who)
    found = {}
    for name, text in {
        "good": odd(f"object {one}", *good),
        "two targets": odd(f"object {one}", *good, f"object {other}"),
        "two names": odd(f"object {one}", *good, "tag y"),
        "no tagger": odd(f"object {one}", *good[:2]),
        "of a tree": odd(f"object {lab.repo.rev('HEAD^{tree}')}", "type tree", *good[1:]),
    }.items():
        made = lab.repo.git("hash-object", "-t", "tag", "-w", "--stdin", "--literally", input=text)
        tag = GitRepository.open(lab.top).tag_object(made)
        found[name] = tag and (tag.target, tag.inner_name)
    assert found == dict.fromkeys(found, None) | {"good": (one, "x")}


def test_the_lab_itself_is_sound(made_lab: Lab, tmp_path: Path) -> None:
    """Nothing else would be said of it than what an attack brings."""
    lab = copy_of(made_lab, tmp_path)
    assert lab.verified() == []
    assert lab.refused("main") == []
    shutil.rmtree(lab.top / "registry")
    assert lab.verified() == [], "verify reads the branch, not the work tree"
