"""`python -m modelreg`, and the console script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    from modelreg.cli.streams import prepare

    prepare()
    # Where they are installed, jsonschema imports them for formats that no schema of modelreg asks: a grammar of IRIs
    # takes 1.9 s to build, durations bring a library of times. A program that imports the SDK keeps them.
    for name in ("rfc3987_syntax", "isoduration"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    from modelreg.cli.app import finish, run

    raise SystemExit(finish(run()))


if __name__ == "__main__":
    main()
