"""A01: what has landed is edited, removed, renamed, made executable or swapped for a symlink."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.keys import Key
from tests.threats.lab import ANN, BO, Lab, copy_of, found, policy

VERSION = "registry/churn/1.0.0"


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory, anns: Key, bos: Key) -> tuple[Lab, dict[str, str]]:
    """A registry with a file of every add-only kind, and where each stands."""
    lab = found(tmp_path_factory.mktemp("landed"), policy(), {ANN: anns, BO: bos})
    folder = lab.top.parent / "model"
    folder.mkdir()
    (folder / "weights.json").write_text("1\n")
    lab.done("register", "churn", folder, "--version", "1.0.0")
    lab.register(0.9)
    lab.done("stage", "set", "churn", "1.0.1", "staging")
    lab.done("withdraw", "churn", "1.0.0", "-m", "leaks")
    evidence = lab.evaluation(0.9, key=bos)
    approval = lab.approval({"registry/policy.yaml": b"another"})
    lab.commit({**evidence, **approval})
    assert lab.verified() == []
    paths = dict(
        zip(("evidence", "signature", "approval", "approval's signature"), [*evidence, *approval], strict=True)
    )
    return lab, paths | {
        "manifest": f"{VERSION}/manifest.yaml",
        "pointer": f"{VERSION}/model.dvc",
        "listing": f"{VERSION}/model.sha256",
        "tombstone": f"{VERSION}/withdrawn.yaml",
        "ignored": f"{VERSION}/.gitignore",
        "transition": "registry/churn/transitions/0001.yaml",
    }


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"# and more\n")


def linked(path: Path) -> None:
    """A symlink to the very same content."""
    path.rename(path.parents[3] / "elsewhere")
    path.symlink_to(os.path.relpath(path.parents[3] / "elsewhere", path.parent))


def renamed(path: Path) -> None:
    path.rename(path.with_name(f"other-{path.name}"))


def renamed_by_case(path: Path) -> None:
    path.rename(path.with_name(path.name.upper()))


ATTACKS: dict[str, Callable[[Path], None]] = {
    "M": edited,
    "D": Path.unlink,
    "R": renamed,
    "R by case": renamed_by_case,
    "T": linked,
    "mode": lambda path: path.chmod(0o755),
}
KINDS = (
    *("manifest", "pointer", "listing", "tombstone", "ignored", "transition"),
    *("evidence", "signature", "approval", "approval's signature"),
)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_gate_and_verify_see_it(landed: tuple[Lab, dict[str, str]], tmp_path: Path, kind: str, attack: str) -> None:
    made, paths = landed
    lab = copy_of(made, tmp_path)
    with lab.branch():
        ATTACKS[attack](lab.top / paths[kind])
        lab.repo.git("add", "-f", "-A", "--", "registry")
        lab.commit()
    assert "add-only" in lab.refused()
    lab.repo.git("merge", "-q", "--ff-only", "topic")
    assert "add-only" in lab.verified()
    if attack == "M":
        lab.repo.git("revert", "-n", "HEAD")
        lab.commit()
        assert "add-only" in lab.verified(), "no later commit mends it"


@pytest.mark.parametrize("target", ["manifest.yaml", "../1.0.1"])
def test_a_symlink_does_not_land_as_something_new(
    landed: tuple[Lab, dict[str, str]], tmp_path: Path, target: str
) -> None:
    lab = copy_of(landed[0], tmp_path)
    with lab.branch():
        place = "evidence/scan-000000000000.yaml" if target == "manifest.yaml" else "../2.0.0"
        link = lab.top / VERSION / place
        link.symlink_to(f"../{target}" if target == "manifest.yaml" else "1.0.1")
        lab.repo.git("add", "-f", "--", str(link))
        lab.commit()
    assert "mode" in lab.refused()
    lab.repo.git("merge", "-q", "--ff-only", "topic")
    assert "mode" in lab.verified()
