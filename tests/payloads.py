"""The corpus of hostile texts (threat A25), for every output."""

from __future__ import annotations

from pathlib import Path

_FILE = Path(__file__).parent / "corpus" / "payloads.txt"
PAYLOADS = [
    line.encode("latin-1", "backslashreplace").decode("unicode_escape")
    for line in _FILE.read_text(encoding="utf-8").splitlines()[1:]
]
