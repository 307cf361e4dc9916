"""What it takes to make a version again, and when what came out is the same: manifests in, decisions out."""

from __future__ import annotations

import copy
import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain import reproduction
from modelreg.domain.difference import KINDS
from modelreg.domain.recipe import recipe
from modelreg.domain.reproduction import Judgement, Predictions, judge
from modelreg.domain.requirements import deviations, normalised, parse_lock, without
from modelreg.errors import DeniedError, InvalidError
from tests.samples import BODY, changed

COMMIT, TREE = "c" * 40, "d" * 40
NONE = Predictions(None)


def body(**changes: Any) -> dict[str, Any]:
    """A manifest's body; a change is at a dotted path."""
    made: dict[str, Any] = {
        "artifacts": [
            {"path": "model.skops", "role": "model", "sha256": "a" * 64},
            {"path": "lock.txt", "role": "lock", "sha256": "b" * 64},
        ],
        "params": {"max_depth": 3},
        "metrics": {"f1": {"value": 0.8}, "loss": {"value": 0.25}},
        "lineage": {
            "code": {"commit": COMMIT, "tree": TREE, "dirty": False, "entry_point": "train.py"},
            "data": [{"name": "customers", "path": "data/c.csv", "sha256": "e" * 64, "rows": 2000, "columns": 5}],
            "environment": {
                "python": "3.11.7",
                "platform": "linux-x86_64",
                "packages": {"scikit-learn": "1.9.1", "pip": "25"},
                "lock": {"path": "requirements.lock", "sha256": "f" * 64},
            },
            "pipeline": {"command": "python train.py", "seeds": {"python": 7}},
        },
    }
    for path, value in changes.items():
        *parts, last = path.split("__")
        place = made
        for part in parts:
            place = place[part]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def other(sha: str = "9" * 64, **changes: Any) -> dict[str, Any]:
    """A body whose model has other bytes."""
    made = body(**changes)
    made["artifacts"][0]["sha256"] = sha
    return made


# --- recipes


def test_a_command_is_run_where_it_ran() -> None:
    made = recipe(body(lineage__pipeline__folder="examples/churn"))
    assert (made.command, made.folder, made.shown, made.by_hand) == (
        "python train.py",
        "examples/churn",
        "python train.py",
        False,
    )
    assert (made.commit, made.tree, made.lock_path, made.python) == (COMMIT, TREE, "requirements.lock", "3.11.7")
    assert [(d.name, d.path, d.is_folder) for d in made.data] == [("customers", "data/c.csv", False)]


def test_a_stage_is_run_by_dvc_in_the_folder_of_its_file() -> None:
    pipeline = {"file": "examples/churn/dvc.yaml", "stage": "train", "command": "python train.py"}
    made = recipe(body(lineage__pipeline=pipeline))
    assert (made.command, made.stage, made.folder, made.shown) == (None, "train", "examples/churn", "dvc repro train")
    with pytest.raises(DeniedError, match="no pipeline file"):
        recipe(body(lineage__pipeline={"stage": "train"}))


def test_a_command_by_hand_wins_and_runs_at_the_top() -> None:
    pipeline = {"file": "examples/churn/dvc.yaml", "stage": "train", "folder": "examples"}
    made = recipe(body(lineage__pipeline=pipeline), "python other.py")
    assert (made.command, made.stage, made.folder, made.by_hand) == ("python other.py", None, "", True)


@pytest.mark.parametrize(
    ("given_", "run"),
    [
        ("/home/ann/.venv/bin/python train.py", "python train.py"),
        ("/usr/bin/python3.11 -m train", "python -m train"),
        ("./bin/python3 train.py", "python train.py"),
        ("python3 train.py", "python3 train.py"),
        ("/opt/pythonic train.py", "/opt/pythonic train.py"),
        ("make /usr/bin/python", "make /usr/bin/python"),
    ],
)
def test_the_interpreter_of_another_machine_is_not_asked_for(given_: str, run: str) -> None:
    assert recipe(body(lineage__pipeline__command=given_)).command == run


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lineage__code": {}}, "names no commit"),
        ({"lineage": {}}, "names no commit"),
        ({"lineage__code__dirty": True}, "were not committed: they"),
        ({"lineage__code": {"commit": COMMIT, "dirty": True, "dirty_files": ["a.py"]}}, r"committed \(a.py\)"),
        ({"lineage__pipeline": {}}, "no command"),
        ({"lineage__pipeline": {"seeds": {"python": 7}}}, "no command"),
    ],
)
def test_what_cannot_be_done_again(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DeniedError, match=words) as caught:
        recipe(body(**changes))
    assert caught.value.hint


@pytest.mark.parametrize("path", ["/etc", "../up", "a/../b", "a//b", ".git/hooks", "a/.GIT", "a\nb", "a\\b", "./a"])
def test_paths_that_lead_out(path: str) -> None:
    with pytest.raises(InvalidError):
        recipe(body(lineage__pipeline__folder=path))
    with pytest.raises(InvalidError):
        recipe(body(lineage__pipeline__outputs={"model.skops": path}))
    with pytest.raises(InvalidError):
        recipe(body(lineage__pipeline={"file": path, "stage": "train"}))
    data = [{"name": "c", "path": path, "sha256": "e" * 64}]
    assert recipe(body(lineage__data=data)).data[0].path is None, "it is compared, never placed"


@pytest.mark.parametrize(("seeds", "seed"), [({}, 0), ({"numpy": 4}, 0), ({"PYTHONHASHSEED": 5}, 5), ({"hash_seed": -1}, 0)])  # fmt: skip
def test_the_hash_seed(seeds: dict[str, int], seed: int) -> None:
    assert recipe(body(lineage__pipeline__seeds=seeds)).hash_seed == seed


# --- judgements


def judged(made: dict[str, Any], recorded: dict[str, Any] | None = None, **words: Any) -> Judgement:
    return judge(recorded or body(), made, **{"predictions": NONE} | words)


def test_the_same_bytes_are_enough() -> None:
    again = body(params__max_depth=4, metrics=None)
    again["artifacts"].pop()
    found = judged(again)
    assert (found.ok, found.kind) == (True, "bitwise")
    assert found.causes == ("parameter max_depth 3 -> 4",), "it is told, all the same"


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"lineage__data": [{"name": "customers", "sha256": "1" * 64, "rows": 1999, "columns": 5}]}, "data customers changed: 2000 -> 1999 rows"),
        ({"params__max_depth": 4}, "parameter max_depth 3 -> 4"),
        ({"lineage__environment__packages": {"scikit-learn": "1.8.0"}}, "environment scikit-learn 1.9.1 -> 1.8.0"),
        ({"lineage__pipeline__seeds": {"python": 8}}, "seed python 7 -> 8"),
        ({"framework": {"name": "scikit-learn", "version": "1.8.0"}}, "framework none -> scikit-learn 1.8.0"),
        ({"lineage__parents": [{"model": "base", "version": "1.0.0"}]}, "parent base@1.0.0 added"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("predictions", [NONE, Predictions(0.0)])
def test_other_inputs_are_another_recipe_however_near_its_numbers_are(
    changes: dict[str, Any], first: str, predictions: Predictions
) -> None:
    found = judged(other(**changes), predictions=predictions)
    assert not found.ok
    assert found.causes[0] == first
    assert first in found.reason


def test_causes_come_before_effects_the_likeliest_first() -> None:
    made = other(
        params__max_depth=4,
        lineage__data=[],
        lineage__code={"commit": "8" * 40, "tree": "7" * 40},
        lineage__pipeline__seeds={"python": 8},
        lineage__environment__packages={"scikit-learn": "1.8.0", "uv": "1"},
    )
    words = list(dict.fromkeys(cause.split()[0] for cause in judged(made).causes))
    assert words == ["data", "parameter", "seed", "environment", "code", "artifact", "installed"]


def test_another_commit_of_the_same_tree_is_no_difference() -> None:
    code = {"commit": "8" * 40, "tree": TREE, "dirty": False, "entry_point": "train.py"}
    assert judged(body(lineage__code=code)).causes == ()
    code |= {"diff_sha256": "1" * 64}
    assert judged(other(lineage__code=code)).causes[0].startswith("uncommitted changes")


@pytest.mark.parametrize(
    ("distance", "f1", "ok", "kind"),
    [
        (0.0, 0.8, True, "predictions"),
        (1e-9, 0.8, True, "predictions"),
        (2e-9, 0.8, False, "predictions"),
        (math.inf, 0.8, False, "predictions"),
        (math.nan, 0.8, False, "predictions"),
        (0.0, 0.8 + 1e-8, False, "predictions"),
        (None, 0.8, True, "metrics"),
        (None, 0.8 + 1e-8, False, "metrics"),
        (None, math.nan, False, "metrics"),
        (None, None, False, "metrics"),
        (None, "0.8", False, "metrics"),
    ],
)
def test_within_the_tolerance(distance: float | None, f1: Any, ok: bool, kind: str) -> None:
    made = other(metrics={"f1": {"value": f1}, "loss": {"value": 0.25}})
    found = judged(made, predictions=Predictions(distance))
    assert (found.ok, found.kind) == (ok, kind), found


def test_metrics_on_one_side_only() -> None:
    found = judged(other(metrics=None), predictions=Predictions(0.0))
    assert (found.ok, found.kind) == (True, "predictions")
    assert "metrics were not compared" in found.notes[0]
    assert not judged(other(metrics=None)).ok
    assert not judged(other(metrics={"f1": {"value": 0.8}})).ok, "loss was not measured again"
    nothing = body(metrics=None)
    assert not judged(other(metrics=None), nothing).ok, "there is nothing to compare"


def test_known_deviations_of_the_environment_are_another_recipe() -> None:
    found = judged(other(), surroundings=["numpy: the lock pins 2.0, installed is 1.9"], predictions=Predictions(0.0))
    assert not found.ok
    assert found.causes[0].startswith("numpy: the lock pins")
    assert judged(body(), surroundings=["numpy: …"]).ok, "the same bytes are the same bytes"


def test_another_machine_is_no_other_recipe() -> None:
    made = other(lineage__environment__python="3.11.9", lineage__environment__platform="darwin-arm64")
    assert judged(made, predictions=Predictions(1e-12)).ok


def test_bytes_that_nothing_explains() -> None:
    found = judged(other(metrics={"f1": {"value": 0.1}, "loss": {"value": 0.25}}))
    assert not found.ok
    assert found.causes[0].startswith("artifact model.skops ")
    assert "OMP_NUM_THREADS" in found.causes[-1]


def test_an_artifact_that_was_not_made_or_is_new_differs() -> None:
    fewer, more = body(), body()
    fewer["artifacts"] = fewer["artifacts"][1:]
    more["artifacts"].append({"path": "more.bin", "role": "other", "sha256": "1" * 64})
    for made in (fewer, more):
        assert judged(made).kind == "metrics"


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1e-3))
def test_no_number_but_a_small_one_agrees(distance: float, tolerance: float) -> None:
    found = judged(other(), predictions=Predictions(distance), tolerance=tolerance)
    assert found.ok is (distance <= tolerance)


def test_every_kind_of_difference_has_its_place_among_the_causes() -> None:
    assert sorted(reproduction._LIKELY) == sorted(KINDS)
    assert set(KINDS) >= reproduction._INPUTS


@pytest.mark.parametrize("artifact", [0, 1])
def test_a_report_that_differs_is_not_the_same_bit_for_bit(artifact: int) -> None:
    made = changed({f"artifacts.{artifact}.sha256": "f" * 64})
    judged = judge(BODY, made, predictions=Predictions(distance=0.0))
    assert (judged.ok, judged.kind) == (True, "predictions")
    assert any(text.startswith("artifact ") for text in judged.causes)
    assert judge(BODY, BODY, predictions=Predictions(distance=0.0)).kind == "bitwise"
    assert judged.kind in get_args(reproduction.Agreement)


def test_what_is_recorded_now_is_no_obstacle() -> None:
    before = changed({"architecture": None, "lineage.features": None})
    assert judge(before, BODY, predictions=Predictions(distance=0.0)).ok


# --- lock files

LOCK = """\
# written by uv
--index-url https://index.example.org/simple
numpy==2.4.1 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
Scikit_Learn[extra] == 1.9.1 ; python_version >= "3.11" \\
    --hash=sha256:cccc   # a remark
colorama==0.4.6 ; sys_platform == "win32" --hash=sha256:dddd
"""


def test_a_lock_is_read() -> None:
    lock = parse_lock(LOCK)
    assert [(p.name, p.version, p.conditional) for p in lock.pins] == [
        ("numpy", "2.4.1", False),
        ("scikit-learn", "1.9.1", True),
        ("colorama", "0.4.6", True),
    ]
    assert (lock.complete, lock.hashed) == (True, True)


@pytest.mark.parametrize(
    ("text", "complete", "hashed"),
    [
        ("", True, False),
        ("a==1\n", True, False),
        ("a==1 --hash=sha256:00\nb==2\n", True, False),
        ("a>=1\n", False, False),
        ("a\n", False, False),
        ("a==1.*\n", False, False),
        ("-r other.txt\n", False, False),
        ("-e .\n", False, False),
        ("a @ git+https://x.example.org/a@abc\n", True, False),
        ("# a==1\n", True, False),
    ],
)
def test_what_a_lock_leaves_open(text: str, complete: bool, hashed: bool) -> None:
    assert (parse_lock(text).complete, parse_lock(text).hashed) == (complete, hashed)


def test_a_lock_without_one_of_its_distributions() -> None:
    kept = parse_lock(without(LOCK, "SCIKIT-learn"))
    assert [pin.name for pin in kept.pins] == ["numpy", "colorama"]
    assert kept.hashed


def test_what_is_installed_beside_what_is_pinned() -> None:
    lock = parse_lock(LOCK)
    assert deviations(lock, {"NumPy": "2.4.1", "scikit_learn": "1.9.1", "pytest": "8"}) == ()
    assert deviations(lock, {"numpy": "2.4.1"}) == (), "the others are behind markers"
    assert deviations(lock, {"scikit-learn": "1.8.0"}) == (
        "numpy: the lock pins 2.4.1, and it is not installed",
        "scikit-learn: the lock pins 1.9.1, installed is 1.8.0",
    )
    forked = parse_lock("a==1 ; x\na==2 ; y\n")
    assert deviations(forked, {"a": "2"}) == ()
    assert deviations(forked, {"a": "3"}) == ("a: the lock pins 1 or 2, installed is 3",)


@given(st.text(alphabet="abAB0_.-", min_size=1))
def test_names_compare_as_indexes_compare_them(name: str) -> None:
    assert normalised(normalised(name)) == normalised(name)
    assert normalised(name.upper()) == normalised(name)


@given(st.text())
def test_any_text_is_a_lock(text: str) -> None:
    lock = parse_lock(text)
    assert lock.hashed <= bool(lock.pins)
    again = parse_lock(without(text, "no-such-distribution"))
    assert copy.copy(again.pins) == lock.pins
