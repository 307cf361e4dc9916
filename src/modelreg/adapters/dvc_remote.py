"""A DVC remote, through DVC's own file systems. With `dvc_setup` and `dvc_cache` the only code that knows DVC.

`dvc.repo.Repo` is not needed for this, nor its state database, lock and graph: a configuration, `get_cloud_fs` and
the object database that DVC itself puts on top of it (`dvc.data_cloud.Remote.odb`) move the same bytes to the same
places, and print nothing. Presence is asked of the remote itself, never of DVC's index of what it once held.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

from modelreg.adapters.dvc_cache import check_md5
from modelreg.adapters.dvc_folder import FolderRemote
from modelreg.adapters.dvc_setup import read_config, shown_url
from modelreg.adapters.hashing import Advance
from modelreg.errors import IntegrityError, ModelregError, UnavailableError

JOBS = 16
UNKNOWN_SIZE = -1

_TIMEOUTS = {
    "s3": ("connect_timeout", "read_timeout"),
    "http": ("connect_timeout", "read_timeout"),
    "https": ("connect_timeout", "read_timeout"),
    "azure": ("connection_timeout", "read_timeout"),
    "ssh": ("timeout",),
    "webdav": ("timeout",),
    "webdavs": ("timeout",),
}
"""Where DVC lets us say how long to wait (`dvc.config_schema.REMOTE_SCHEMAS`). Google's and others know no limit."""

_EXTRAS = {"s3": "s3", "gs": "gs", "azure": "azure", "ssh": "ssh"}

_STARTS_PROGRAMS = ("bearer_token_command", "credentialpath", "configpath")
"""Settings through which a committed file can start a program here (AWS's own `credential_process`)."""


@dataclass(frozen=True)
class Remote:
    """The remote `name` at `url`, as the levels of DVC's configuration describe it.

    `committed` is the text of `.dvc/config` that counts, relative paths in it are from `folder`; `local` says whether
    `config.local` beside it counts.
    """

    name: str
    url: str
    folder: Path
    committed: bytes
    local: bool
    timeout_s: float = 60.0

    @property
    def shown(self) -> str:
        """For messages: no credentials in it."""
        return f"the remote {self.name} ({shown_url(self.url)})"

    def sizes(self, md5s: Iterable[str]) -> dict[str, int | None]:
        """Size in bytes of each object; None where the remote does not hold it, UNKNOWN_SIZE where it does not say.

        Raises UnavailableError.
        """
        wanted = list(dict.fromkeys(check_md5(md5) for md5 in md5s))
        with self._talk():
            odb = self._odb
            with ThreadPoolExecutor(JOBS) as pool:
                return dict(zip(wanted, pool.map(lambda md5: _size(odb, md5), wanted), strict=True))

    @contextmanager
    def open(self, md5: str) -> Iterator[BinaryIO]:
        """Read an object as a stream. Raises UnavailableError, also while it is read."""
        with self._talk(), self._odb.fs.open(self._odb.oid_to_path(check_md5(md5)), "rb") as stream:
            yield cast("BinaryIO", stream)

    def upload(self, objects: Sequence[tuple[str, Path]], advance: Advance) -> None:
        """Put files there under their MD5s, over what may be there. Raises UnavailableError."""
        from dvc.fs import localfs

        failed: list[BaseException] = []
        with self._talk():
            self._odb.add(
                [str(path) for _, path in objects],
                localfs,
                [md5 for md5, _ in objects],
                check_exists=False,
                callback=_told(advance),
                on_error=lambda _, error: failed.append(error),
            )
            if failed:
                raise failed[0]
            if hasattr(self._odb.fs.fs, "invalidate_cache"):
                self._odb.fs.fs.invalidate_cache()

    @cached_property
    def _odb(self) -> Any:
        from dvc.data_cloud import Remote as DvcRemote

        fs, path, options = self._filesystem
        return DvcRemote(self.name, path, fs, **options).odb

    @cached_property
    def _filesystem(self) -> tuple[Any, str, dict[str, Any]]:
        """DVC's file system, the path on it, and the settings that made it."""
        from dvc.fs import get_cloud_fs

        self._refuse_programs()
        config = self._config()
        settings = self._wanted(config)
        if settings.get("worktree") or settings.get("version_aware"):
            raise UnavailableError(
                f"{self.shown} is cloud-versioned, which has no place for objects by MD5",
                hint=f"dvc remote modify --unset {self.name} version_aware",
            )
        for key in _TIMEOUTS.get(_scheme(settings["url"]), ()):
            settings.setdefault(key, self.timeout_s)
        cls, options, path = get_cloud_fs(config, **settings)
        return cls(**options), path, options

    def _wanted(self, config: Any) -> dict[str, Any]:
        """The settings of this remote, from all levels."""
        return dict(config["remote"][self.name])

    def _config(self) -> Any:
        """DVC's own merge of all levels, with `committed` in place of what lies in the work tree."""
        from dvc.config import Config

        committed = read_config(self.committed)

        class Given(Config):  # type: ignore[misc]
            def _load_config(self, level: str) -> Mapping[str, Any]:
                if level == "repo":
                    return {"remote": {}, "machine": {}, "db": {}} | committed
                loaded: Mapping[str, Any] = super()._load_config(level)
                return loaded

        # With a local_dvc_dir of None and no fs of its own, Config would take dvc_dir for it: a name without file does.
        local = self.folder if self.local else self.folder / "no-config-local"
        return Given(str(self.folder), local_dvc_dir=str(local))

    def _refuse_programs(self) -> None:
        settings = read_config(self.committed)["remote"].get(self.name, {})
        for key in _STARTS_PROGRAMS:
            if key in settings and (key.endswith("command") or not os.path.isabs(settings[key])):
                raise UnavailableError(
                    f"the committed .dvc/config sets {key} of the remote {self.name}, which could start a program here",
                    hint=f"dvc remote modify --local {self.name} {key} VALUE (stays in .dvc/config.local)",
                )

    @contextmanager
    def _talk(self) -> Iterator[None]:
        """Turn whatever a file system raises into an error that names the remote."""
        try:
            yield
        except ModelregError:
            raise
        except Exception as error:
            from dvc.config import ConfigError
            from dvc.fs import RemoteMissingDepsError

            if is_absence(error):
                message = f"{self.shown} does not hold the object"
                raise UnavailableError(message, hint="dvc push, from where it still is") from None
            scheme = _scheme(self.url)
            if isinstance(error, ImportError | RemoteMissingDepsError):
                hint = (
                    f"pip install 'modelreg[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else f"pip install dvc-{scheme}"
                )
                raise UnavailableError(f"no support for {scheme}:// is installed", hint=hint) from error
            hint = "check .dvc/config" if isinstance(error, ConfigError) else "check the network and your credentials"
            raise UnavailableError(f"{self.shown} cannot be used: {_reason(error)}", hint=hint) from error


def _told(advance: Advance) -> Any:
    """What DVC's file systems tell of the bytes that they have sent, file by file (fsspec's callbacks)."""
    from fsspec.callbacks import Callback

    class Bytes(Callback):  # type: ignore[misc]
        def __init__(self, size: int) -> None:
            super().__init__(size=size)

        def relative_update(self, inc: int = 1) -> None:
            self.value += inc
            advance(inc)

        def absolute_update(self, value: int) -> None:
            self.relative_update(value - self.value)

        def close(self) -> None:
            self.absolute_update(self.size)  # of small files, and of shared blocks, they say nothing

    class Files(Callback):  # type: ignore[misc]
        def branched(self, source: str, _target: str, **_more: Any) -> Bytes:
            return Bytes(os.path.getsize(source))

    return Files()


def checked_upload(
    remote: Remote | FolderRemote, objects: Mapping[str, tuple[Path, int]], advance: Advance = lambda _: None
) -> None:
    """Bring objects (MD5 → file, size in bytes) to a remote that lacks them, and see that they arrived whole.

    A folder's object goes last, so that it is never there without its files. Raises UnavailableError, IntegrityError
    where the remote garbles them.
    """
    for batch in ([m for m in objects if not m.endswith(".dir")], [m for m in objects if m.endswith(".dir")]):
        if batch:
            remote.upload([(md5, objects[md5][0]) for md5 in batch], advance)
    after = remote.sizes(objects) if objects else {}
    bad = [md5 for md5, size in after.items() if size not in {objects[md5][1], UNKNOWN_SIZE}]
    if bad:
        raise IntegrityError(f"{remote.shown} does not hold what was sent: {bad[0]}")


def _scheme(url: str) -> str:
    return url.partition("://")[0] if "://" in url else ""


def _size(odb: Any, md5: str) -> int | None:
    try:
        info = odb.fs.info(odb.oid_to_path(md5))
    except FileNotFoundError as error:
        if not is_absence(error):
            raise
        return None
    if info.get("type") != "file":
        return None
    return UNKNOWN_SIZE if info.get("size") is None else int(info["size"])


def is_absence(error: BaseException) -> bool:
    """Whether a remote says that it lacks an object. fsspec's HTTP calls every failure that, a dead server too."""
    if not isinstance(error, FileNotFoundError):
        return False
    cause = error.__cause__
    if cause is None or isinstance(cause, FileNotFoundError) or getattr(cause, "status", None) in {404, 410}:
        return True
    return not isinstance(cause, OSError | TimeoutError) and not type(cause).__module__.startswith("aiohttp")


def _reason(error: BaseException) -> str:
    """The first line of what a library says, short, and without credentials should it quote a URL."""
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    words = [shown_url(word) for word in (lines[0] if lines else "").split()]
    return f"{type(error).__name__}: {' '.join(words)[:200]}" if words else type(error).__name__
