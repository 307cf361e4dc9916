"""What is wrong with who may sign (allowed_signers, revoked_signers) and with signatures as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelreg.domain.finding import Finding
from modelreg.domain.layout import Layout, Place
from modelreg.domain.signers import Problem, namespace_of, parse_revoked, parse_signers
from modelreg.domain.sshsig import parse_sshsig
from modelreg.errors import InvalidError
from modelreg.registry.checking import Checked


def signer_rules(checked: Checked, layout: Layout) -> Iterator[Finding]:
    """Findings for the two lists, and for every signature that was read."""
    yield from _list(checked, layout.allowed_signers, lambda text: parse_signers(text)[1], "this line is not used")
    yield from _list(
        checked,
        layout.revoked_signers,
        lambda text: parse_revoked(text)[1],
        "until it is put right, no signature counts",
    )
    for path in checked.contents:
        place = layout.place(path)
        if place is not None and place.kind == "signature":
            yield from _signature(checked, layout, place)


def _list(
    checked: Checked, path: str, problems: Callable[[str], tuple[Problem, ...]], consequence: str
) -> Iterator[Finding]:
    data = checked.contents.get(path)
    if data is None:
        return
    try:
        found = problems(data.decode())
    except UnicodeDecodeError:
        yield Finding(path, "signers", "is not UTF-8, so no signature counts at all", line=1)
        return
    for problem in found:
        message = f"{problem.message} ({consequence})"
        yield Finding(path, "signers", message, line=problem.line, hint=problem.hint)


def _signature(checked: Checked, layout: Layout, place: Place) -> Iterator[Finding]:
    """A signature has a document beside it, is one, and is made for such a document. Whose it is, the gate judges."""
    signed = place.path.removesuffix(".sig")
    if signed not in checked.contents:
        name = signed.rsplit("/", 1)[-1]
        yield Finding(place.path, "signature", f"signs nothing: there is no {name} beside it", line=1)
    try:
        made = parse_sshsig(checked.contents[place.path])
    except InvalidError as error:
        yield Finding(place.path, "signature", error.message, line=1, hint=error.hint)
        return
    beside = layout.place(signed)
    document = checked.documents.get(signed)
    if beside is None or document is None:
        return
    type_ = document.value.get("type") if isinstance(document.value, dict) else None
    wanted = namespace_of(beside.kind, type_ if isinstance(type_, str) else None)
    if wanted is not None and made.namespace != wanted:
        message = f"is made for {made.namespace[:80]!a}, and here only {wanted} counts"
        yield Finding(place.path, "signature", message, line=1, hint="modelreg signs with the right namespace")
