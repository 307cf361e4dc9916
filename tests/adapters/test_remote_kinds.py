"""S3, Google, Azure, SSH: settings that DVC takes for each, and what is said where the extra is not installed."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import pytest

from modelreg.adapters.dvc_config import Configuration
from modelreg.errors import InvalidError, UnavailableError

TOP = Path(__file__).parents[2]
EXTRAS = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["optional-dependencies"]
KINDS = {
    "s3": ("s3://models/dvc", "endpointurl = http://127.0.0.1:9\n    region = us-east-1\n    profile = ml"),
    "gs": ("gs://models/dvc", "projectname = ml"),
    "azure": ("azure://models/dvc", "account_name = ml"),
    "ssh": ("ssh://storage.example.org/models", "user = ml\n    port = 2222\n    keyfile = /home/ml/.ssh/id_ed25519"),
}


def configuration(tmp_path: Path, kind: str, more: str = "") -> Configuration:
    url, settings = KINDS[kind]
    text = f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}\n    {settings}\n{more}"
    return Configuration(None, tmp_path, "storage", lambda path: text.encode() if path == ".dvc/config" else None)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_has_an_extra_and_the_message_names_it(kind: str, tmp_path: Path) -> None:
    """What is wrong is the missing library alone: DVC takes the settings."""
    (requirement,) = EXTRAS[kind]
    assert requirement.startswith(f"dvc[{kind}]>=")
    if importlib.util.find_spec(f"dvc_{kind}") is not None:
        pytest.skip("the extra is installed")
    with pytest.raises(UnavailableError, match=f"no support for {kind}:// is installed") as caught:
        configuration(tmp_path, kind).remote(timeout_s=1.0).sizes(["ab" * 16])
    assert caught.value.hint == f"pip install 'modelreg[{kind}]'"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_setting_that_there_is_not_is_told(kind: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(f"dvc_{kind}") is None:
        pytest.skip("without the library its settings cannot be known")
    with pytest.raises(UnavailableError, match="nonsense") as caught:
        configuration(tmp_path, kind, "    nonsense = 1\n").remote(timeout_s=1.0).sizes(["ab" * 16])
    assert caught.value.hint == "check .dvc/config"


@pytest.mark.parametrize(
    ("kind", "key"),
    [("s3", "secret_access_key"), ("azure", "connection_string"), ("azure", "sas_token"), ("ssh", "password")],
)
def test_a_committed_secret_is_refused_for_each(kind: str, key: str, tmp_path: Path) -> None:
    configuration(tmp_path, kind).refuse_secrets()
    with pytest.raises(InvalidError, match=f"sets {key} of the remote storage"):
        configuration(tmp_path, kind, f"    {key} = hunter2\n").refuse_secrets()
