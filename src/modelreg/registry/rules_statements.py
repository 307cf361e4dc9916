"""Names of statements: evidence and approvals of changes of the rules are named after their content.

So one statement never stands under two names, and none is edited in place; another name counts for nothing
(registry/statements.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from modelreg.domain.document import Document
from modelreg.domain.finding import Finding
from modelreg.domain.layout import Layout
from modelreg.registry.checking import Checked
from modelreg.registry.statements import approval_name, statement_name


def statement_rules(checked: Checked, layout: Layout) -> Iterator[Finding]:
    """Findings for every statement that passed its schema and has another name than its content gives it."""
    for path, document in checked.documents.items():
        place = layout.place(path)
        if place is not None and place.kind == "evidence":
            yield from _named(document, statement_name(document.value["type"], checked.contents[path]))
        elif place is not None and place.kind == "approval":
            yield from _named(document, approval_name(checked.contents[path]))
            yield from _of_this_registry(checked, layout, document)


def _named(document: Document, right: str) -> Iterator[Finding]:
    folder, _, name = document.file.rpartition("/")
    if name != right:
        message = f"is not named after its content, and so counts for nothing: its name would be {right}"
        hint = f"git mv {document.file} {folder}/{right}; once it has landed it is add-only: state it anew instead"
        yield Finding(document.file, "name", message, line=1, hint=hint)


def _of_this_registry(checked: Checked, layout: Layout, document: Document) -> Iterator[Finding]:
    registry = checked.documents.get(layout.registry)
    if registry is not None and document.value["registry"] != registry.value["id"]:
        yield document.finding(("registry",), "name", "approves changes of another registry, and so counts for nothing")
