"""Objects of a partial clone: what is missing here is fetched before it is read, many in one go.

Left to itself git fetches each missing object when it comes to it, a connection each.
"""

from __future__ import annotations

import os
import subprocess
import weakref
from collections.abc import Iterable, Mapping

from modelreg.adapters import remote
from modelreg.adapters.door import Door
from modelreg.adapters.object_reader import ObjectReader
from modelreg.adapters.trees import CommitTree
from modelreg.domain.plan import CommitId
from modelreg.errors import UnavailableError

_ENDINGS = (b".yaml", b".dvc", b"_signers")
_MOST_BESIDE = 100
_AT_ONCE = 500


class PromisedObjects(ObjectReader):
    """`ObjectReader` of a bare clone without blobs; `git` is the clone's own door."""

    def __init__(self, git: Door) -> None:
        super().__init__(git.git, git.object_format)
        self._door = git
        self._here: set[str] = set()
        self._asking: subprocess.Popen[bytes] | None = None

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        wanted = list(dict.fromkeys(ids))
        self.bring(wanted)
        return super().blobs(wanted)

    def bring(self, ids: Iterable[str]) -> None:
        """Fetch those objects that are missing. Raises UnavailableError where the remote does not give them."""
        missing = self.missing(ids)
        if missing and self._door.git.offline:
            raise UnavailableError(
                f"offline: {len(missing)} documents of the registry were never fetched", hint="leave out --offline"
            )
        if missing:
            remote.fetch_objects(self._door, missing)
            self._here.update(missing)

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Those objects that are not in this clone."""
        unknown = [id_ for id_ in dict.fromkeys(ids) if id_ not in self._here]
        absent = []
        for start in range(0, len(unknown), _AT_ONCE):
            part = unknown[start : start + _AT_ONCE]
            process = self._running_check()
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes were asked for
            process.stdin.write("".join(f"{id_}\n" for id_ in part).encode())
            process.stdin.flush()
            absent += [id_ for id_ in part if process.stdout.readline().endswith(b" missing\n")]
        self._here.update(set(unknown).difference(absent))
        return absent

    def _running_check(self) -> subprocess.Popen[bytes]:
        if self._asking is None or self._asking.poll() is not None:
            self._asking = self._door.git.open(["cat-file", "--batch-check"], here=True)
            weakref.finalize(self, _end, self._asking)
        return self._asking


class PromisedTree(CommitTree):
    """`CommitTree` that fetches, along with a document, what will be asked for next: the documents beside it."""

    def __init__(self, git: Door, commit: CommitId, objects: PromisedObjects) -> None:
        super().__init__(git, commit)
        self._objects = objects

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(paths)
        entries = {path: self._entry(path) for path in wanted if path not in self._contents}
        missing = set(self._objects.missing(entry.blob for entry in entries.values() if entry is not None))
        if missing:
            folders = {path.rpartition("/")[0] for path, e in entries.items() if e is not None and e.blob in missing}
            beside = [id_ for folder in folders for id_ in self._beside(folder)]
            self._objects.bring([*missing, *(beside if not self._git.git.offline else ())])
        return super().read_many(wanted)

    def _beside(self, folder: str) -> list[str]:
        """Blobs of the documents in a folder of a registry; of its top also what says where artifacts are."""
        parts = folder.split("/")
        if "registry" not in parts:
            return []  # an embedded remote has artifacts side by side
        entry = self._find(folder)
        if entry is None or entry.mode != "040000":
            return []
        found = [
            item.id
            for item in self._git.objects.trees([entry.blob])[entry.blob]
            if item.mode == "100644" and item.name.endswith(_ENDINGS)
        ]
        if parts[-1] == "registry" and (config := self._find(os.path.normpath(f"{folder}/../.dvc/config"))) is not None:
            found.append(config.blob)
        return found[:_MOST_BESIDE]


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
