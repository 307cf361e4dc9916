"""What is recorded of how a version was made: stage or command, never a path of this machine or a secret."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters.provenance.invocation import Invocation, check_secrets, outputs, ran, stated
from modelreg.adapters.provenance.place import Place
from modelreg.errors import InvalidError, ModelregError, NotFoundError, UsageError
from tests.support import Repo, run

PIPELINE = "stages:\n  train:\n    cmd: python train.py\n  each:\n    foreach: [a]\n    do:\n      cmd: echo ${item}\n"


@pytest.fixture
def place(repo: Repo) -> Place:
    repo.commit("code", {"job/train.py": "", "job/dvc.yaml": PIPELINE, "data/in.csv": "a\n1\n"})
    return Place.around(repo.path, repo.path / "job")


def command(place: Place, *arguments: str, module: str | None = None) -> tuple[dict[str, Any], list[str]]:
    assert place.top is not None
    return ran(place, Invocation(place.top / "job/train.py", arguments, module), {})


def test_a_command_is_written_as_somebody_else_can_run_it(place: Place) -> None:
    assert place.top is not None
    inside = str(place.top / "data/in.csv")
    assert command(place, "--depth", "3", "two words") == (
        {"command": "python train.py --depth 3 'two words'", "folder": "job"},
        [],
    )
    assert command(place, inside, f"--data={inside}", f"-i{inside}")[0]["command"] == (
        "python train.py ../data/in.csv --data=../data/in.csv -i../data/in.csv"
    )
    assert command(place, "https://example.org/x", "a/b", "1/2", "--url=s3://bucket/x")[1] == []
    assert command(place, module="job.train")[0]["command"] == "python -m job.train"
    top = Place.around(place.top, place.top)
    assert command(top)[0] == {"command": "python job/train.py", "folder": None}


@pytest.mark.parametrize(
    "argument",
    [
        "/tmp/x",
        "--out=/tmp/x",
        "-o/tmp/x",
        "a:/tmp/x",
        "~/x",
        "--in=a,/tmp/x",
        "/",
        "--log=~ada/x",
        "file:///tmp/x",
        "C:\\x",
    ],
)
def test_a_path_of_this_machine_keeps_the_command_out(place: Place, argument: str) -> None:
    body, notes = command(place, argument)
    assert body == {}
    assert notes == ["the command is not recorded: an argument is a path of this machine"]
    with pytest.raises(InvalidError, match="path of this machine"):
        stated(place, command=f"python train.py {argument}", stage=None) if argument != "C:\\x" else stated(
            place, command="python train.py 'C:\\x'", stage=None
        )


@pytest.mark.parametrize(
    "words",
    [
        ["--token", "abc"],
        ["--api-key=abc"],
        ["--hf_token=abc"],
        ["PASSWORD=abc"],
        ["https://ada:pw@example.org/x"],
        ["ghp_" + "a" * 36],
        ["-password", "x"],
        ["--aws.secret.key=1"],
        ["AKIA" + "A" * 16],
    ],
)
def test_a_secret_keeps_the_command_out(place: Place, words: list[str]) -> None:
    body, notes = command(place, *words)
    assert body == {}
    assert len(notes) == 1
    assert "abc" not in notes[0]
    with pytest.raises(InvalidError, match="looks like a secret"):
        stated(place, command=f"python train.py {' '.join(words)}", stage=None)


@pytest.mark.parametrize("word", ["--max-tokens=5", "--tokenizer=bert", "--password-file=pw", "token", "--key=x"])
def test_what_is_no_secret(word: str) -> None:
    check_secrets([word])


def test_no_script_no_command(place: Place, tmp_path: Path) -> None:
    assert ran(place, Invocation(None), {}) == ({}, [])
    assert ran(place, Invocation(tmp_path / "train.py"), {}) == ({}, [])
    assert place.top is not None
    elsewhere = Place.around(place.top, tmp_path)
    assert command(elsewhere) == ({}, ["the command is not recorded: it ran outside the repository of its code"])
    assert command(place, "a\nb")[0] == {}
    assert command(place, "x" * 4000)[0] == {}


@pytest.mark.parametrize(
    ("stage", "found"),
    [
        ("train", {"file": "job/dvc.yaml", "stage": "train"}),
        ("dvc.yaml:train", {"file": "job/dvc.yaml", "stage": "train"}),
        ("job/dvc.yaml:train", {"file": "job/dvc.yaml", "stage": "train"}),
        ("../job/dvc.yaml:each@a", {"file": "job/dvc.yaml", "stage": "each@a"}),
        ("other/dvc.yaml:train", {"file": None, "stage": "train"}),
        ("gone", {"file": None, "stage": "gone"}),
    ],
)
def test_the_stage_that_dvc_names(place: Place, stage: str, found: dict[str, Any]) -> None:
    assert ran(place, Invocation(None), {"DVC_STAGE": stage, "DVC_ROOT": str(place.top)}) == (found, [])
    assert place.top is not None
    deeper = Place.around(place.top, place.top / "job" / "deeper")
    assert ran(deeper, Invocation(None), {"DVC_STAGE": stage})[0] == found


def test_what_dvc_itself_sets(repo: Repo) -> None:
    """The variables are DVC's own; this is what holds us to them."""
    script = (
        "import os\nfrom pathlib import Path\nfrom modelreg.adapters.provenance.invocation import Invocation, ran\n"
        "from modelreg.adapters.provenance.place import Place\n"
        "found = ran(Place.around(Path()), Invocation.current(), os.environ)\nPath('said').write_text(repr(found))\n"
    )
    stages = f"stages:\n  train:\n    cmd: {sys.executable} train.py\n"
    repo.commit("job", {"job/train.py": script, "job/dvc.yaml": stages})
    run(sys.executable, "-m", "dvc", "init", "-q", cwd=repo.path)
    run(sys.executable, "-m", "dvc", "repro", "-q", "job/dvc.yaml", cwd=repo.path)
    assert repo.read("job/said") == repr(({"file": "job/dvc.yaml", "stage": "train"}, []))


def test_what_the_user_states(place: Place) -> None:
    assert stated(place, command=None, stage=None) == {}
    said = stated(place, command="python train.py --depth 3", stage=None)
    assert said == {"command": "python train.py --depth 3", "folder": "job"}
    assert stated(place, command=None, stage="train") == {"file": "job/dvc.yaml", "stage": "train"}
    assert stated(place, command=None, stage="dvc.yaml:each@a")["stage"] == "each@a"


@pytest.mark.parametrize(
    ("command_line", "stage", "error", "says"),
    [
        ("x", "train", UsageError, "exclude"),
        ("python 'train.py", None, InvalidError, "does not parse"),
        ("", None, InvalidError, "one line"),
        ("a\nb", None, InvalidError, "one line"),
        (None, "gone", NotFoundError, "no stage"),
        (None, "gone.yaml:train", NotFoundError, "no pipeline"),
        (None, "/etc/dvc.yaml:train", InvalidError, "in no repository"),
        (None, "", NotFoundError, "no stage"),
    ],
)
def test_what_cannot_be_stated(
    place: Place, command_line: str | None, stage: str | None, error: type[ModelregError], says: str
) -> None:
    with pytest.raises(error, match=says):
        stated(place, command=command_line, stage=stage)


def test_where_the_artifacts_lie(place: Place, tmp_path: Path) -> None:
    found = outputs(place, [Path("out/model.skops"), Path("../data/in.csv"), tmp_path / "else.onnx"])
    assert found == {"model.skops": "job/out/model.skops", "in.csv": "data/in.csv"}


def test_the_script_of_a_process(tmp_path: Path) -> None:
    """A script, a module, a command line without either, an installed program."""
    text = "from modelreg.adapters.provenance.invocation import Invocation as I; i = I.current()\n"
    text += "print(i.script and i.script.name, *i.arguments, i.module)\n"
    (tmp_path / "pack").mkdir()
    for name in ("train.py", "pack/__init__.py", "pack/__main__.py", "pack/step.py"):
        (tmp_path / name).write_text("" if name.endswith("__init__.py") else text)

    def said(*arguments: str) -> str:
        return run(sys.executable, *arguments, cwd=tmp_path).stdout.strip()

    assert said("train.py", "-x") == "train.py -x None"
    assert said("-m", "pack", "a") == "__main__.py a pack"
    assert said("-m", "pack.step") == "step.py pack.step"
    assert said("-c", text) == "None None"
    assert Invocation.current().script is None, "this test runs in an installed program"
