"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RegistryPath = Annotated[
    Path,
    typer.Option(
        "--registry",
        "-C",
        metavar="PATH",
        envvar="MODELREG_REGISTRY",
        help="A folder of the registry's repository.",
    ),
]
Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="Land on this protected branch though HEAD is elsewhere."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, on one documented shape.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
Push = Annotated[bool, typer.Option("--push", help="Push to origin in the same step; nothing lands if it refuses.")]
Reason = Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why; goes into the record.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="PATH", help="Sign with this SSH key; else with git's user.signingkey.", show_default=False
    ),
]
Sign = Annotated[bool, typer.Option("--sign", help="Sign what is recorded with your SSH key.")]
On = Annotated[str | None, typer.Option("--on", metavar="BRANCH", help="Land it on this branch (a proposal) instead.")]
Ref = Annotated[str | None, typer.Option("--ref", metavar="REF", help="Read this ref instead of the protected branch.")]
Model = Annotated[str, typer.Argument(metavar="MODEL", show_default=False)]
Version = Annotated[str, typer.Argument(metavar="VERSION", show_default=False)]
StageName = Annotated[str, typer.Argument(metavar="STAGE", show_default=False)]
ProposeOption = Annotated[
    bool, typer.Option("--propose", help="Make a branch with the record, for a pull request, and land nothing.")
]
Address = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS", help="MODEL@1.3.0, MODEL@latest, MODEL#STAGE or MODEL@ALIAS.", show_default=False
    ),
]
HERE = Path()
