"""`modelreg forge comment` and `forge status`: a gate's report, told on the forge."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import command_group
from modelreg.cli.output import note

if TYPE_CHECKING:
    from modelreg.domain.gate_report import GateReport
    from modelreg.integrations.github import PullRequest
    from modelreg.integrations.github_api import Api

REPORT_BYTES = 10 * 1024 * 1024
ReportFile = Annotated[
    Path, typer.Option("--report", metavar="FILE", help="What `modelreg gate --format json` wrote.", show_default=False)
]
EventFile = Annotated[
    Path | None,
    typer.Option("--event", metavar="FILE", envvar="GITHUB_EVENT_PATH", help="The event's payload."),
]
Number = Annotated[int | None, typer.Option("--number", metavar="N", help="The pull request; without, the event's.")]

forge = command_group(
    "forge", "Tell the forge what the gate said. Needs GITHUB_TOKEN and GITHUB_REPOSITORY, as in a workflow."
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(forge)


@forge.command()
def comment(report: ReportFile, number: Number = None, event: EventFile = None) -> None:
    """Keep one comment on the pull request up to date. The report is a stranger's until it is rendered anew."""
    from modelreg.domain.reports.markdown import markdown
    from modelreg.integrations.github import api_from_environment
    from modelreg.integrations.github import comment as write

    api = api_from_environment("pull-requests: write")
    found = _read(report)
    proposal = _proposal(api, number, event)
    _same(found, proposal)
    done = write(api, proposal.number or 0, markdown(found))
    note(f"the comment on pull request {proposal.number} is {done}")


@forge.command()
def status(report: ReportFile, number: Number = None, event: EventFile = None) -> None:
    """Set the status modelreg/gate of the proposed commit. Where there is no sound report, it says so: error."""
    from modelreg.domain.reports.markdown import headline
    from modelreg.errors import ModelregError
    from modelreg.integrations.github import api_from_environment
    from modelreg.integrations.github import status as write

    api = api_from_environment("statuses: write")
    proposal = _proposal(api, number, event)
    try:
        found = _read(report)
        _same(found, proposal)
    except ModelregError:
        write(api, proposal.head, "error", "the gate could not decide: see its run", _run_url())
        raise
    write(api, proposal.head, "success" if found.allowed else "failure", headline(found), _run_url())
    note(f"{proposal.head[:10]}: {headline(found)}")


def _proposal(api: Api, number: int | None, event: Path | None) -> PullRequest:
    from modelreg.errors import UsageError
    from modelreg.integrations.github import numbered, proposed, read_event

    if number is not None:
        return numbered(api, number)
    if event is None:
        raise UsageError("which pull request?", hint="--number N, or --event FILE")
    return proposed(api, read_event(event))


def _read(path: Path) -> GateReport:
    """Raises UnavailableError where there is no report, InvalidError where it is of another shape."""
    import json

    from modelreg.domain.reports.reading import read_report
    from modelreg.errors import InvalidError, UnavailableError

    try:
        with path.open("rb") as file:
            content = file.read(REPORT_BYTES + 1)
        value = json.loads(content) if len(content) <= REPORT_BYTES else None
    except OSError as error:
        raise UnavailableError("there is no report", file=str(path), hint="did the gate end with exit 4?") from error
    except (ValueError, RecursionError) as error:
        raise InvalidError("is not JSON", file=str(path)) from error
    try:
        return read_report(value)
    except InvalidError as error:
        error.file = str(path)
        raise


def _same(report: GateReport, proposal: PullRequest) -> None:
    from modelreg.errors import ConflictError

    if report.head != proposal.head:
        raise ConflictError("the report is of another commit than the pull request's head", hint="judge it again")


def _run_url() -> str | None:
    """Where the run can be read, for the link beside the status; None outside a workflow."""
    server, repository, run = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if not server or not server.startswith("https://") or not repository or not (run or "").isdecimal():
        return None
    return f"{server}/{repository}/actions/runs/{run}"
