"""`register --from-remote`: what lies in a storage is read once, up to the policy's limits; only what was typed."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from modelreg import Registry
from modelreg.adapters import named_files
from modelreg.adapters.dvc import DvcStore
from modelreg.errors import UsageError
from tests.cli.runner import artifact, done, everything, metrics, modelreg
from tests.support import Repo

MIB = 2**20


class Storage(BaseHTTPRequestHandler):
    """Serves a file of `size` bytes at every path, `told` as so large (None: not told), and counts the bytes sent."""

    size: ClassVar[int] = 0
    told: ClassVar[int | None] = 0
    sent: ClassVar[int] = 0
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        if not self._head():
            return
        block = b"x" * MIB
        left = self.size
        try:
            while left > 0:
                self.wfile.write(block[:left])
                type(self).sent += min(left, MIB)
                left -= MIB
        except OSError:
            return

    def _head(self) -> bool:
        self.asked.append(f"{self.command} {self.path}")
        if "absent" in self.path:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        self.send_response(200)
        if self.told is not None:
            self.send_header("Content-Length", str(self.told))
        self.end_headers()
        return True

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def storage() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Storage.size, Storage.told, Storage.sent = 5, 5, 0
    Storage.asked.clear()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("made")
    repo = Repo.init(folder / "repo")
    done("init", "--policy", "open", "--remote", folder / "storage", registry=repo.path)
    done("register", "churn", artifact(folder, "first"), registry=repo.path)
    return repo


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    return made.copy(tmp_path / "repo")


def limited(repo: Repo, most: int) -> None:
    text = repo.read("registry/policy.yaml")
    repo.write("registry/policy.yaml", f"{text}\nlimits: {{artifact_max_bytes: {most}}}\n")
    repo.git("commit", "-qam", "limits")


def test_a_url_becomes_a_version_under_its_own_name(repo: Repo, storage: str, tmp_path: Path) -> None:
    url = f"{storage}/models/churn%2Dv2.bin?signature=s3cret"
    registered = done("register", "churn", "--from-remote", url, registry=repo.path)
    assert "s3cret" not in registered.out + registered.err + repo.git("show", "HEAD")
    (primary,) = Registry(repo.path).get("churn@1.0.1").manifest.artifacts
    assert (primary.path, primary.size_bytes) == ("churn-v2.bin", 5)
    assert primary.sha256 == hashlib.sha256(b"xxxxx").hexdigest()
    done("pull", "churn@1.0.1", "--to", tmp_path / "out", registry=repo.path)
    assert (tmp_path / "out/churn-v2.bin").read_bytes() == b"xxxxx"
    assert not list((repo.path / ".dvc/cache/modelreg-tmp").glob("named-*"))


def test_files_and_urls_together(repo: Repo, storage: str, tmp_path: Path) -> None:
    file = artifact(tmp_path, "a model", "model.json")
    more = artifact(tmp_path / "more", "notes", "notes.txt")
    done("register", "churn", file, "--from-remote", f"{storage}/extra.bin", "--from-remote", f"file://{more}",
         "--metrics", metrics(tmp_path, 0.9), registry=repo.path)  # fmt: skip
    manifest = Registry(repo.path).get("churn@1.0.1").manifest
    assert [(a.path, a.role) for a in manifest.artifacts] == [
        ("model.json", "model"), ("extra.bin", "other"), ("notes.txt", "other"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("{storage}/absent.bin", 1, "there is nothing at"),
        ("{storage}/", 1, "is no name for a file"),
        ("{storage}/manifest.yaml", 1, "cannot name an artifact"),
        ("ftp://host/model.bin", 2, "nothing is fetched by"),
        ("remote://nowhere/model.bin", 2, "no remote is called"),
        ("http://127.0.0.1:9/model.bin", 4, "cannot be used"),
        ("gs://bucket/model.bin", 4, "pip install 'modelreg[gs]'"),
        ("azure://bucket/model.bin", 4, "pip install 'modelreg[azure]'"),
        ("ssh://host/model.bin", 4, "pip install 'modelreg[ssh]'"),
        ("nowhere.dvc", 1, "nowhere.dvc"),
        ("nowhere.bin", 1, "nowhere.bin"),
    ],
)
def test_what_cannot_be_had_changes_nothing(repo: Repo, storage: str, url: str, code: int, said: str) -> None:
    before = everything(repo)
    refused = modelreg("register", "churn", "--from-remote", url.format(storage=storage), registry=repo.path)
    assert (refused.code, said in refused.err) == (code, True), refused.err
    assert everything(repo) == before


def test_offline_nothing_is_fetched(repo: Repo, storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    url = f"file://{repo.path}"
    Registry(url).get("churn@1.0.0").describe()
    more = ("--from-remote", f"{storage}/m.bin", "--registry", url, "--offline")
    refused = modelreg("register", "churn", *more)
    assert (refused.code, "offline" in refused.err, Storage.asked) == (4, True, []), refused.err


def test_nothing_to_register_is_a_usage_error(repo: Repo) -> None:
    assert modelreg("register", "churn", registry=repo.path).code == 2


# -- limits (A18)


def test_A18_what_says_that_it_is_too_large_is_not_begun(repo: Repo, storage: str) -> None:
    limited(repo, 4 * MIB)
    Storage.size = Storage.told = 5 * MIB
    refused = modelreg("register", "churn", "--from-remote", f"{storage}/m.bin", registry=repo.path)
    assert (refused.code, "the policy allows" in refused.err) == (1, True)
    assert Storage.sent <= MIB


def test_A18_what_does_not_end_is_cut_off(repo: Repo, storage: str) -> None:
    """It says nothing of its size, and sends a hundred times what is allowed; memory stays bounded."""
    limited(repo, 4 * MIB)
    Storage.size, Storage.told = 400 * MIB, None
    tracemalloc.start()
    refused = modelreg("register", "churn", "--from-remote", f"{storage}/m.bin", registry=repo.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (refused.code, "the policy allows" in refused.err) == (1, True), refused.err
    assert Storage.sent < 100 * MIB
    assert peak < 60 * MIB
    assert not list((repo.path / ".dvc/cache/modelreg-tmp").glob("named-*"))


def test_A18_without_a_limit_and_a_size_nothing_is_begun(repo: Repo, storage: str) -> None:
    Storage.size, Storage.told = 400 * MIB, None
    refused = modelreg("register", "churn", "--from-remote", f"{storage}/m.bin", registry=repo.path)
    assert (refused.code, "artifact_max_bytes" in refused.err) == (4, True), refused.err


def test_what_breaks_off_is_no_version(repo: Repo, storage: str) -> None:
    Storage.size, Storage.told = 3 * MIB, 5 * MIB
    before = everything(repo)
    refused = modelreg("register", "churn", "--from-remote", f"{storage}/m.bin", registry=repo.path)
    assert refused.code in (3, 4), refused.err
    assert everything(repo) == before


@pytest.mark.parametrize("told", [4, 6])
def test_what_is_not_as_large_as_it_says_is_no_version(
    repo: Repo, storage: str, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    monkeypatch.setattr(named_files._Named, "files", lambda _: {"": told})
    refused = modelreg("register", "churn", "--from-remote", f"{storage}/m.bin", registry=repo.path)
    assert (refused.code, f"not the {told} bytes" in refused.err) == (3, True), refused.err


# -- only what was typed (A17)


def test_A17_nothing_that_a_pull_request_names_is_fetched(repo: Repo, storage: str, tmp_path: Path) -> None:
    """The work tree's .dvc/config lends no settings, and a pointer's own words are no address."""
    config = repo.read(".dvc/config")
    repo.write(".dvc/config", config + f"['remote \"evil\"']\n    url = {storage}/evil\n")
    refused = modelreg("register", "churn", "--from-remote", "remote://evil/m.bin", registry=repo.path)
    assert (refused.code, Storage.asked) == (2, [])
    repo.write(".dvc/config", config)
    pointer = tmp_path / "m.bin.dvc"
    md5 = hashlib.md5(b"nowhere", usedforsecurity=False).hexdigest()
    pointer.write_text(
        f"outs:\n- md5: {md5}\n  size: 5\n  hash: md5\n  path: m.bin\n  remote: evil\ndeps:\n- path: {storage}/m.bin\n"
    )
    refused = modelreg("register", "churn", "--from-remote", pointer, registry=repo.path)
    assert (refused.code, Storage.asked) == (4, []), refused.err


@pytest.mark.parametrize(
    "text",
    [
        "outs: []\n",
        "outs:\n- md5: x\n",
        "[]\n",
        "outs:\n- {md5: 0123456789abcdef0123456789abcdef, size: 1, hash: md5, path: ../../etc/passwd}\n",
        "outs:\n- {md5: ../../../../etc/passwd, size: 1, hash: md5, path: m.bin}\n",
        "outs:\n- {md5: 0123456789abcdef0123456789abcdef, size: 1, path: m.bin}\n",
        "outs: &a [*a]\n",
    ],
)
def test_a_pointer_that_is_none(repo: Repo, tmp_path: Path, text: str) -> None:
    pointer = tmp_path / "m.bin.dvc"
    pointer.write_text(text)
    refused = modelreg("register", "churn", "--from-remote", pointer, registry=repo.path)
    assert refused.code == 1, refused.err


def test_a_pointer_to_a_folder(repo: Repo, tmp_path: Path) -> None:
    """As `dvc add` leaves it, with the objects in the cache."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("1")
    (folder / "b").write_text("22")
    store = DvcStore(repo.path, repo.path / ".git", remote="storage")
    stored = store.add(folder)
    pointer = tmp_path / "model.dvc"
    pointer.write_text(f"outs:\n- md5: {stored.md5}\n  size: 3\n  nfiles: 2\n  hash: md5\n  path: model\n")
    done("register", "churn", "--from-remote", pointer, registry=repo.path)
    (found,) = Registry(repo.path).get("churn@1.0.1").manifest.artifacts
    assert (found.path, found.md5) == ("model", stored.md5)


@pytest.mark.parametrize(
    ("text", "named"),
    [("model.bin", False), ("a:b", False), ("file:///x", False), ("s3://b/x", True), ("remote://r/x", True)],
)
def test_what_is_a_url(text: str, named: bool) -> None:
    assert named_files.is_named(text) is named
    with pytest.raises(UsageError):
        named_files.is_named("hdfs://x/y")
