"""`modelreg validate` and `modelreg verify`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.evidence import stated_mapping, tell
from modelreg.cli.findings import Format, known_format, print_findings, show
from modelreg.cli.options import HERE, Branch, Json, Key, Push, Ref, RegistryPath, Sign
from modelreg.cli.output import counted, emit_json, next_step, note

if TYPE_CHECKING:
    from modelreg.registry.stating import Stated
    from modelreg.registry.verify import Verification
    from modelreg.registry.workspace import Workspace

Paths = Annotated[
    list[Path], typer.Argument(metavar="[PATH…]", help="Files or folders; without, all.", show_default=False)
]
Since = Annotated[str | None, typer.Option("--changed-since", metavar="REF", help="Only what differs from REF.")]
MaybeAddress = Annotated[
    str | None, typer.Argument(metavar="[MODEL[@VERSION]]", help="Without, all versions.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    app.command()(validate)
    app.command()(verify)


def validate(
    paths: Paths = [],
    registry: RegistryPath = HERE,
    changed_since: Since = None,
    ref: Ref = None,
    format: Format = "text",  # noqa: A002 - the option's name
    no_index: Annotated[
        bool, typer.Option("--no-index", help="Look at all of it again, whatever was found sound before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check every document: YAML, schema, and what a schema cannot say. Exit code 1 if anything is wrong."""
    from modelreg.registry.validate import validate as perform
    from modelreg.wiring import open_index, open_workspace

    known_format(format)
    workspace = open_workspace(registry)
    index = None if no_index else open_index(workspace)
    done = perform(workspace, _from_top(workspace, paths), changed_since=changed_since, ref=ref, index=index)
    show(done.files, done.findings, "json" if as_json else format)


def _from_top(workspace: Workspace, paths: Sequence[Path]) -> list[str]:
    """Paths as the registry names them: from the top of the repository."""
    top = workspace.repository.top
    if top is None:
        return [path.as_posix() for path in paths]
    found = []
    for path in paths:
        absolute = path.parent.resolve() / path.name if path.name else path.resolve()
        inside = absolute.is_relative_to(top.resolve())
        found.append(absolute.relative_to(top.resolve()).as_posix() if inside else path.as_posix())
    return found


def verify(
    address: MaybeAddress = None,
    registry: RegistryPath = HERE,
    content: Annotated[bool, typer.Option("--content", help="Fetch every artifact and hash it.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="What a clone cannot judge again is an error.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="With --content, of one version: state that it agreed, as evidence.")
    ] = False,
    sign: Sign = False,
    key: Key = None,
    branch: Branch = None,
    push: Push = False,
    as_json: Json = False,
) -> None:
    """Does the record hold together? History, digests, objects, tags; every landing judged again. Exit code 3 if not."""
    from modelreg.domain.address import Address
    from modelreg.errors import UsageError
    from modelreg.registry.resolve import resolve
    from modelreg.registry.verify import verify as perform
    from modelreg.registry.verify_record import record_verification
    from modelreg.wiring import open_workspace, signing_key

    workspace = open_workspace(registry, branch)
    parsed = Address.parse(address) if address is not None else None
    version = resolve(workspace.snapshot(), parsed) if parsed and address and any(c in address for c in "@#") else None
    if (sign or key or push) and not record:
        raise UsageError("--sign, --key and --push are for --record", hint="modelreg verify MODEL@V --content --record")
    offline = registry.freshness.offline
    if record and (version is None or not content or offline):
        raise UsageError("--record needs --content and one version", hint="modelreg verify MODEL@V --content --record")
    signing = signing_key(registry, key, wanted=sign)
    done = perform(
        workspace,
        parsed.model if parsed else None,
        version,
        content=content,
        offline=offline,
        strict=strict,
        fresh=record,
    )
    recorded = None
    if record and done.ok and parsed and version:
        recorded = record_verification(workspace, parsed.model, version, done, key=signing, push=push)
    if as_json:
        body = {"ok": done.ok, "versions": done.versions, "findings": [f.to_mapping() for f in done.findings]}
        emit_json(body | ({"recorded": stated_mapping(recorded)} if recorded else {}))
    else:
        _tell_verified(done, recorded)
    if not done.ok:
        raise typer.Exit(3)


def _tell_verified(done: Verification, recorded: Stated | None) -> None:
    print_findings(done.findings)
    note(f"{counted(done.versions, 'version')}: the record {'holds' if done.ok else 'is broken'}")
    if any(finding.code == "tag-missing" for finding in done.findings):
        next_step("modelreg announce")
    if recorded is not None:
        tell(recorded, dry_run=False)
