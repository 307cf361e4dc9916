"""`register --from-remote`: artifacts that lie in a storage already, brought here to be read, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelreg.domain.names import parse_file
from modelreg.errors import DeniedError, InvalidError, UnavailableError
from modelreg.registry.artifact_port import Progress
from modelreg.registry.workspace import Workspace

if TYPE_CHECKING:
    from modelreg.adapters.dvc_config import Configuration
    from modelreg.adapters.named_files import Allowed


@contextmanager
def brought(workspace: Workspace, named: Sequence[str], progress: Progress | None = None) -> Iterator[list[Path]]:
    """Paths, URLs and `.dvc` pointers as files and folders here, for as long as the block lasts.

    A path stands for itself. A URL is read in one pass, up to what the policy's limits allow; a pointer names an object
    of the registry's own remote, or cache, and the bytes are those of its MD5. Nothing that a manifest, a pull request
    or a remote says is fetched (threat-model A17). Raises NotFoundError, DeniedError for what is larger than the policy
    allows, InvalidError, UnavailableError, UsageError.
    """
    from modelreg.adapters import named_files
    from modelreg.adapters.dvc import DvcStore

    far = [text for text in named if named_files.is_named(text) or text.endswith(".dvc")]
    if not far:
        yield [_path(text) for text in named]
        return
    store = workspace.store()
    assert isinstance(store, DvcStore)  # noqa: S101 - the only one that wiring.py makes
    configuration = store.configuration
    allowed = _allowed(workspace.snapshot().policy().limits)
    room = configuration.cache.folder / "modelreg-tmp"
    try:
        room.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot be written: {error.strerror}", file=str(room)) from error
    with TemporaryDirectory(dir=room, prefix="named-") as folder:
        found: list[Path] = []
        for number, text in enumerate(named):
            place = Path(folder, str(number))
            place.mkdir()
            if text not in far:
                found.append(_path(text))
            elif text.endswith(".dvc") and not named_files.is_named(text):
                found.append(_pointed(workspace, configuration, Path(text), place, allowed))
            else:
                found.append(named_files.bring(configuration, text, place, allowed, progress))
        yield found


def _path(text: str) -> Path:
    if not text.startswith("file://"):
        return Path(text)
    from urllib.parse import unquote, urlsplit

    return Path(unquote(urlsplit(text).path))


def _allowed(limits: Mapping[str, int]) -> Allowed:
    most = min((limits[key] for key in ("artifact_max_bytes", "version_max_bytes") if key in limits), default=None)

    def allowed(name: str, size_bytes: int | None) -> int | None:
        if most is not None and size_bytes is not None and size_bytes > most:
            raise DeniedError(f"{name} has {size_bytes} bytes or more; the policy allows {most}")
        return most

    return allowed


def _pointed(workspace: Workspace, configuration: Configuration, path: Path, folder: Path, allowed: Allowed) -> Path:
    """The artifact that a DVC pointer names, from the cache or the registry's remote."""
    from modelreg.adapters import fetching
    from modelreg.adapters.hashing import open_regular

    with open_regular(path) as source:
        body = workspace.documents.load(source.read(), str(path)).value
    outs = body.get("outs") if isinstance(body, dict) else None
    out = outs[0] if isinstance(outs, list) and len(outs) == 1 and isinstance(outs[0], dict) else {}
    name, md5, size = out.get("path"), out.get("md5"), out.get("size")
    if not (isinstance(name, str) and isinstance(md5, str) and isinstance(size, int)) or out.get("hash") != "md5":
        raise InvalidError("is no pointer to one artifact as DVC 3 writes it", file=str(path))
    allowed(name, size)
    target = folder / parse_file(name)
    if not fetching.fetch(configuration, md5, target, sha256=None, size_bytes=size):
        raise UnavailableError(
            f"neither the cache nor {configuration.shown} holds what it names", file=str(path), hint="dvc push"
        )
    return target
