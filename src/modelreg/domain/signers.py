"""Who may sign what: the allowed-signers and revocation files of a registry (ssh-keygen(1), ALLOWED SIGNERS).

Stricter than OpenSSH, because votes are counted by person: a principal is one name written out, a key belongs to one
person, a line that is not wholly understood is not used. Revocation is the other way round: where a line of it is not
understood, nobody's key counts, since it may have been any key's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from modelreg.domain.ssh_keys import KEY_TYPES, key_bytes
from modelreg.errors import InvalidError

EVIDENCE = "modelreg-evidence-v1"
APPROVAL = "modelreg-approval-v1"
TRANSITION = "modelreg-transition-v1"

_APPROVALS = ("approval", "approval-withdrawal")
_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+@-]{0,253}")
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_WORD = re.compile(r'(?:[^ "\\]|"[^"\\]*")+')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"\\]*)")?(?:,(?=.)|$)')
_LINE_HINT = f'one line per key: ann@example.org namespaces="{EVIDENCE},{APPROVAL}" ssh-ed25519 AAAA… comment'
_TIME_FORMATS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


@dataclass(frozen=True, slots=True)
class Signer:
    """A key and whose it is. `namespaces` is None where all are allowed; times are epoch seconds (UTC), inclusive."""

    principals: tuple[str, ...]
    namespaces: tuple[str, ...] | None
    key_type: str
    key: str
    line: int
    valid_after: int | None = None
    valid_before: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A line (from 1) that is not used, why, and what to write instead."""

    line: int
    message: str
    hint: str | None = None


def namespace_of(kind: str, type: str | None = None) -> str | None:  # noqa: A002
    """The namespace in which a document is signed, by its kind and, of evidence, its type.

    `approval` as a kind is the approval of a change to the registry's own rules. None: a signature of such a document
    says nothing that modelreg counts.
    """
    if kind == "approval" or (kind == "evidence" and type in _APPROVALS):
        return APPROVAL
    return {"evidence": EVIDENCE, "transition": TRANSITION}.get(kind)


def is_principal(name: str) -> bool:
    """Whether `name` can be a person's: plain ASCII without patterns, as an e-mail address is."""
    return _PRINCIPAL.fullmatch(name) is not None


def parse_signers(text: str) -> tuple[tuple[Signer, ...], tuple[Problem, ...]]:
    """The signers of an allowed-signers file that count, and what is wrong with the other lines."""
    found: list[Signer] = []
    problems: list[Problem] = []
    for number, line in _lines(text):
        try:
            found.append(_signer(line, number))
        except InvalidError as error:
            problems.append(Problem(number, error.message, error.hint))
    ambiguous = [*_shared_keys(found), *_alike(found)]
    refused = {problem.line for problem in ambiguous}
    problems += ambiguous
    kept = tuple(signer for signer in found if signer.line not in refused)
    return kept, tuple(sorted(problems, key=lambda p: p.line))


def parse_revoked(text: str) -> tuple[frozenset[str], tuple[Problem, ...]]:
    """The keys (base64) of a revocation file: public keys, one per line. With any problem nobody's key counts."""
    revoked: set[str] = set()
    problems: list[Problem] = []
    for number, line in _lines(text):
        try:
            key_type, key = _pair(_fields(line))
            key_bytes(key_type, key)
            revoked.add(key)
        except InvalidError as error:
            problems.append(Problem(number, error.message, "one public key per line: ssh-ed25519 AAAA… comment"))
    return frozenset(revoked), tuple(problems)


def in_force(signers: bytes, revoked: bytes) -> tuple[Signer, ...]:
    """Who counts, from the bytes of both files (b"" where there is none). Nobody where one of them is unreadable."""
    try:
        listed, _ = parse_signers(signers.decode())
        ended, problems = parse_revoked(revoked.decode())
    except UnicodeDecodeError:
        return ()
    return () if problems else remaining(listed, ended)


def remaining(signers: Iterable[Signer], revoked: frozenset[str]) -> tuple[Signer, ...]:
    """The signers whose keys are not revoked."""
    return tuple(signer for signer in signers if signer.key not in revoked)


def speaks(signers: Iterable[Signer], principal: str, public_key: str, namespace: str) -> bool:
    """Whether a key (type and base64) is listed for a person in a namespace; when it counts is not asked."""
    return any(
        principal in signer.principals
        and f"{signer.key_type} {signer.key}" == public_key
        and (signer.namespaces is None or namespace in signer.namespaces)
        for signer in signers
    )


def usable(signers: Iterable[Signer], revoked: frozenset[str] = frozenset()) -> bytes:
    """An allowed-signers file for ssh-keygen, which must run in UTC: a line for each principal and key that is left."""
    lines = []
    for signer in remaining(signers, revoked):
        options = []
        if signer.namespaces is not None:
            options.append(f'namespaces="{",".join(signer.namespaces)}"')
        options += [
            f'{name}="{ssh_time(at)}"'
            for name, at in (("valid-after", signer.valid_after), ("valid-before", signer.valid_before))
            if at is not None
        ]
        rest = f"{','.join(options)} {signer.key_type} {signer.key}".lstrip()
        lines += [f"{principal} {rest}\n" for principal in signer.principals]
    return "".join(lines).encode()


def ssh_time(at: int) -> str:
    """Epoch seconds as ssh-keygen reads a time, in UTC; without `Z`, which it knows only from OpenSSH 9.1 on."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M%S")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without comments and empty ones. Only LF (or CR LF) ends a line, as for OpenSSH."""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.removesuffix("\r").strip(" \t")
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _signer(line: str, number: int) -> Signer:
    if _UNPRINTABLE.search(line):
        raise InvalidError("holds a control character")
    names, _, rest = line.replace("\t", " ").partition(" ")
    principals = tuple(dict.fromkeys(names.split(",")))
    for principal in principals:
        if not is_principal(principal):
            raise InvalidError(
                f"{principal[:60]!a} is no principal",
                hint="write each person's name out, as ann@example.org: no patterns (* ? !), quotes or accents",
            )
    options, key_type, key = _split(rest)
    key_bytes(key_type, key)
    return _with_options(Signer(principals, None, key_type, key, number), options)


def _split(rest: str) -> tuple[str, str, str]:
    """Options, key type and key of what follows the principals; a comment may follow them."""
    rest = rest.lstrip(" ")
    if not rest:
        raise InvalidError("has no key", hint=_LINE_HINT)
    first = _WORD.match(rest)
    if not first or rest[first.end() : first.end() + 1] not in ("", " "):
        raise InvalidError("has options that are not written as they should be", hint=_LINE_HINT)
    word, after = first[0], _fields(rest[first.end() :])
    if word not in KEY_TYPES and ("=" in word or (after and after[0] in KEY_TYPES)):
        return word, *_pair(after)
    return "", *_pair([word, *after])


def _fields(text: str) -> list[str]:
    """What blanks part: spaces and tabs, for OpenSSH parts at no other white space."""
    return [field for field in text.replace("\t", " ").split(" ") if field]


def _pair(words: Sequence[str]) -> tuple[str, str]:
    if len(words) < 2:
        raise InvalidError("has no key", hint=_LINE_HINT)
    return words[0], words[1]


def _with_options(signer: Signer, text: str) -> Signer:
    options = _options(text)
    namespaces = options.get("namespaces")
    listed = None if namespaces is None else tuple(namespaces.split(","))
    if listed is not None and not all(_NAMESPACE.fullmatch(name) for name in listed):
        hint = f'write each one out: namespaces="{EVIDENCE},{APPROVAL},{TRANSITION}"'
        raise InvalidError("has a namespace that is empty or a pattern", hint=hint)
    after, before = (_time(options.get(name)) for name in ("valid-after", "valid-before"))
    if after is not None and before is not None and after >= before:
        raise InvalidError("is valid at no time: valid-after is not before valid-before")
    return replace(signer, namespaces=listed, valid_after=after, valid_before=before)


def _options(text: str) -> dict[str, str]:
    """`namespaces="a,b",valid-before="20270101Z"` as a mapping. Names are not case-sensitive, as for OpenSSH."""
    options: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _OPTION.match(text, at)
        name = match[1].lower() if match else ""
        if name == "cert-authority":
            raise InvalidError("names a certificate authority", hint="list each person's own key")
        if (
            not match
            or match[2] is None
            or name not in ("namespaces", "valid-after", "valid-before")
            or name in options
        ):
            wrong = text[at:].partition("=")[0][:60]
            raise InvalidError(f"has an option that does not belong there, near {wrong!a}", hint=_LINE_HINT)
        options[name] = match[2]
        at = match.end()
    return options


def _time(text: str | None) -> int | None:
    """A time of an option, read as UTC whether it ends in `Z` or not: a verdict must not hang on a machine's zone."""
    if text is None:
        return None
    digits = text.removesuffix("Z")
    form = _TIME_FORMATS.get(len(digits), "") if digits.isascii() and digits.isdigit() else ""
    try:
        return int(datetime.strptime(digits, form).replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        hint = "write 20270131Z or 20270131235959Z"
        raise InvalidError(f"has a time {text[:20]!a} that is none", hint=hint) from error


def _shared_keys(signers: Sequence[Signer]) -> Iterator[Problem]:
    """A key that is listed for two persons would give one of them two votes: it counts for nobody."""
    persons: dict[str, set[str]] = {}
    for signer in signers:
        persons.setdefault(signer.key, set()).update(signer.principals)
    for signer in signers:
        names = sorted(persons[signer.key])
        if len(names) > 1:
            message = f"lists a key for {len(names)} persons ({', '.join(names[:4])}), so it counts for none of them"
            yield Problem(signer.line, message, "a person has one name here, and keys of their own")


def _alike(signers: Sequence[Signer]) -> Iterator[Problem]:
    """Names that differ only by case are one person's, who would be counted twice."""
    spellings: dict[str, set[str]] = {}
    for signer in signers:
        for principal in signer.principals:
            spellings.setdefault(principal.lower(), set()).add(principal)
    for signer in signers:
        for principal in signer.principals:
            if len(names := sorted(spellings[principal.lower()])) > 1:
                message = f"differs from another line only by case ({', '.join(names[:4])}), so neither counts"
                yield Problem(signer.line, message, "spell a person's name the same way on every line")
