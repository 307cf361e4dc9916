"""`python -m modelreg`, and the console script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    # Where it is installed, jsonschema imports it for the format "iri", which no schema of modelreg asks: to build
    # its grammar takes 1.9 s. Nothing of this process misses it; a program that imports the SDK keeps it.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from modelreg.cli.app import run

    raise SystemExit(run())


if __name__ == "__main__":
    main()
