"""`modelreg gate`: may this range land?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.options import HERE, Json, RegistryPath
from modelreg.cli.output import emit_json, result, workflow_commands

if TYPE_CHECKING:
    from modelreg.domain.gate_report import GateReport
    from modelreg.domain.plan import CommitId
    from modelreg.registry.judging import Circumstances
    from modelreg.registry.workspace import Workspace

FORMATS = ("text", "json", "github", "markdown", "sarif")

BaseRef = Annotated[
    str,
    typer.Option("--base", metavar="REF", help="The protected branch's tip: its policy decides.", show_default=False),
]
HeadRef = Annotated[
    str, typer.Option("--head", metavar="REF", help="What would be merged into it.", show_default=False)
]
Format = Annotated[str, typer.Option("--format", metavar="NAME", help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")]
EventFile = Annotated[
    Path | None,
    typer.Option("--event", metavar="FILE", help="GitHub's payload: the author, and the reviews (with GITHUB_TOKEN)."),
]
ReviewsFile = Annotated[
    Path | None,
    typer.Option("--reviews", metavar="FILE", help="Reviews as JSON: [{account, state, commit, submitted_at}]."),
]
SummaryFile = Annotated[Path | None, typer.Option("--summary", metavar="FILE", help="Append the report as Markdown.")]
OutputFile = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Write the report there, and text to the log.")
]


def add_to(app: typer.Typer) -> None:
    app.command("gate")(gate_command)


def gate_command(
    base: BaseRef,
    head: HeadRef,
    registry: RegistryPath = HERE,
    event: EventFile = None,
    reviews: ReviewsFile = None,
    format: Format = "text",  # noqa: A002 - the option's name
    summary: SummaryFile = None,
    output: OutputFile = None,
    as_json: Json = False,
) -> None:
    """Judge a pull request by the policy of its base; exit 1 where it may not land."""
    from modelreg.domain.reports.markdown import markdown
    from modelreg.integrations.actions import append_summary
    from modelreg.registry.gate import gate
    from modelreg.wiring import open_workspace

    form = "json" if as_json else format
    _check(form, event, reviews, output)
    workspace = open_workspace(registry)
    tips = workspace.tip(base), workspace.tip(head)
    asked = _circumstances(workspace, tips[1], event, reviews)
    report = gate(workspace, *tips, asked)
    if output is not None:
        _write(output, report, form)
        _log(report)
    else:
        _print(report, form)
    if summary is not None:
        append_summary(summary, markdown(report))
    if not report.allowed:
        raise typer.Exit(1)


def _check(form: str, event: Path | None, reviews: Path | None, output: Path | None) -> None:
    from modelreg.errors import UsageError

    if form not in FORMATS:
        raise UsageError(f"there is no format {form!a}", hint=f"choose {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if event is not None and reviews is not None:
        raise UsageError("--event and --reviews exclude each other", hint="the event's reviews come from the forge")
    if output is not None and form == "github":
        raise UsageError("annotations belong into the log", hint="--output with --format json, sarif, markdown or text")


def _circumstances(workspace: Workspace, head: CommitId, event: Path | None, reviews: Path | None) -> Circumstances:
    """Who proposes, and who approved what stands there now. Without event and reviews no forge was asked.

    An approval of a pull request to another branch is none: it may be meant for one where nothing is at stake.
    """
    from modelreg.domain.reviews import approving
    from modelreg.integrations import github
    from modelreg.registry.judging import Circumstances
    from modelreg.services import pull_request

    if event is None:
        return pull_request(workspace, head, reviews)
    now = workspace.clock()
    api = github.api_from_environment()
    proposal = github.proposed(api, github.read_event(event))
    if proposal.number is None:
        return Circumstances(now, via="direct")
    here = proposal.branch == workspace.settings.branch
    given = approving(github.reviews(api, proposal.number), commit=proposal.reviewed) if here else ()
    return Circumstances(now, via="pull-request", account=proposal.author, reviews=given)


def _rendered(report: GateReport, form: str) -> str | dict[str, Any]:
    from modelreg.domain.reports.markdown import markdown
    from modelreg.domain.reports.sarif import sarif
    from modelreg.domain.reports.text import text

    if form == "json":
        return report.to_mapping()
    if form == "sarif":
        return sarif(report)
    return markdown(report) if form == "markdown" else "\n".join(text(report)) + "\n"


def _print(report: GateReport, form: str) -> None:
    from modelreg.domain.reports.annotations import report_annotations

    if form in ("text", "github"):
        _log(report)
        workflow_commands(report_annotations(report) if form == "github" else ())
        return
    rendered = _rendered(report, form)
    if isinstance(rendered, dict):
        emit_json(rendered)
    else:
        result(rendered.rstrip("\n"))


def _log(report: GateReport) -> None:
    """The text form, between a fence where a workflow's runner reads along."""
    from modelreg.domain.reports.text import text
    from modelreg.integrations.actions import harmless_log

    workflow_commands(harmless_log(text(report)))


def _write(path: Path, report: GateReport, form: str) -> None:
    """Raises UnavailableError where the file cannot be written: a report that is not there must not look like one."""
    import json

    from modelreg.errors import UnavailableError

    rendered = _rendered(report, form)
    content = json.dumps(rendered, indent=2) + "\n" if isinstance(rendered, dict) else rendered
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"cannot be written: {error.strerror}", file=str(path)) from error
