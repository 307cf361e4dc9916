"""`modelreg cache list|forget`: what is kept of registries that are elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from modelreg.cli.options import Json, command_group
from modelreg.cli.output import emit_json, note, result, table

cache = command_group("cache", "What is kept here of registries that are elsewhere.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(cache)


@cache.command("list")
def list_(as_json: Json = False) -> None:
    """The URLs whose branch and artifacts are cached, as of when, and how much room they take."""
    from modelreg.locating import cached

    folder, entries = cached()
    if as_json:
        emit_json({"folder": str(folder), "registries": [entry.to_mapping() for entry in entries]})
        return
    rows = [
        (e.url, (e.fetched or "never")[:16].replace("T", " "), (e.head or "")[:10], f"{e.size_bytes / 2**20:.1f} MiB")
        for e in entries
    ]
    if rows:
        table(("url", "fetched (UTC)", "commit", "size"), rows)
    else:
        note("nothing is cached")
    note(f"in {folder}; MODELREG_CACHE names another folder")


@cache.command("forget")
def forget(
    url: Annotated[str, typer.Argument(metavar="URL", help="As --registry takes it.", show_default=False)],
) -> None:
    """Remove what is cached of a URL, the last commit that was seen too: the next read trusts what it finds."""
    from modelreg.locating import forget as perform

    result(f"forgot {perform(url)}")
