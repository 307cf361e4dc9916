"""What a policy asks of people: whether there are enough of them, and whether anybody may do what must be done."""

from __future__ import annotations

from collections.abc import Iterator

from modelreg.domain.document import Document, Path
from modelreg.domain.finding import Finding
from modelreg.domain.names import Stage
from modelreg.domain.policy_setting import PlacedGate, Setting, roles_asked

SIGNERS = "registry/allowed_signers"
_ADD_SIGNERS = f'{SIGNERS} has a line for each key: ann@example.org namespaces="modelreg-approval-v1" ssh-ed25519 AAAA…'
_ADD_PEOPLE = "map persons to their accounts: people: {ann@example.org: {github: ann}}"
_NAME_MORE = "name more people in the role; one who approves must not be the one who proposes"


def people_findings(setting: Setting) -> Iterator[Finding]:
    """Roles, approvals, signatures, `change` and `access`."""
    yield from _roles(setting)
    for placed in setting.gates:
        yield from _approvals(setting, placed)
        for place, role in roles_asked(placed.gate.require):
            if place[-1] == "by" and role in setting.policy.roles and not setting.members(role):
                message = f"only the word of {role} counts here, and nobody has that role"
                yield placed.document.finding(placed.at(*place), "by", message, hint=_NAME_MORE)
        if placed.gate.require.get("access") and not setting.policy.access:
            message = "the actor must be allowed by `access`, and policy.yaml has none: nobody is"
            yield placed.document.finding(placed.at("access"), "access", message)
    for name, rule in setting.policy.stages.items():
        if rule.signed and setting.signers is None:
            path: Path = ("stages", name, "signed")
            yield _without_signers(setting.document, path, f"{name} takes signed records only")
    yield from _change(setting)
    yield from _access(setting)


def _roles(setting: Setting) -> Iterator[Finding]:
    for role, persons in setting.policy.roles.items():
        if not persons:
            yield setting.document.finding(("roles", role), "empty-role", f"nobody is {role}", severity="warning")


def _approvals(setting: Setting, placed: PlacedGate) -> Iterator[Finding]:
    """More approvals than persons who can give them."""
    asked = placed.gate.require.get("approvals")
    if not asked or (asked.get("role") is not None and asked["role"] not in setting.policy.roles):
        return
    stage, count, role = placed.gate.stage, asked["count"], asked.get("role")
    members = setting.members(role)
    whom = f"of {role}" if role else "of the people whom the policy names"
    path = placed.at("approvals", "count")
    want = f"{stage} asks for {_times(count)} {whom}"
    if count > len(members):
        message = f"{want}, and there {_are(len(members))}: it can never be met"
        yield placed.document.finding(path, "approvals", message, hint=_NAME_MORE)
        return
    if count > len(members) - 1 and _acts(setting, stage, members):
        message = f"{want}, and there {_are(len(members))}; who proposes or registered the version does not count"
        yield placed.document.finding(path, "approvals", message, hint=_NAME_MORE, severity="warning")
    yield from _sources(setting, placed, members, want)


def _acts(setting: Setting, stage: Stage, members: frozenset[str]) -> bool:
    """Whether one of them may be the one who proposes or registers; where `access` says nothing, anybody may."""
    if not setting.policy.access:
        return True
    acting = setting.allowed("propose", stage) | setting.allowed("promote", stage) | setting.allowed("register")
    return bool(acting & members)


def _sources(setting: Setting, placed: PlacedGate, members: frozenset[str], want: str) -> Iterator[Finding]:
    """Whether enough of them have an account on the forge or a key, where approvals come from there."""
    asked = placed.gate.require["approvals"]
    sources = asked.get("from", ["signature", "forge"])
    by_review = setting.reviewing(members) if "forge" in sources else frozenset()
    by_key = setting.signing(members) if "signature" in sources else frozenset()
    path = placed.at("approvals", "from" if "from" in asked else "count")
    able = by_review | by_key
    if len(able) >= asked["count"]:
        if setting.policy.access:
            able = by_review | (by_key & setting.allowed("approve", placed.gate.stage))
        if len(able) < asked["count"]:
            message = f"{want}, and `access` lets {_few(able)} of them approve for {placed.gate.stage}"
            yield placed.document.finding(placed.at("approvals", "count"), "approvals", message, severity="warning")
    elif "signature" not in sources:
        message = f"{_few(able)} of them {_have(able)} an account of their own under `people`: no other review counts"
        yield placed.document.finding(path, "approvals", message, hint=_ADD_PEOPLE)
    elif setting.signers is None and "forge" not in sources:
        yield _without_signers(placed.document, path, "approvals are to be signed")
    else:
        forge = "an account under `people` or " if "forge" in sources else ""
        message = f"{_few(able)} of them {_have(able)} {forge}a key for approvals in {SIGNERS}"
        yield placed.document.finding(path, "approvals", message, hint=_ADD_SIGNERS, severity="warning")


def _change(setting: Setting) -> Iterator[Finding]:
    """Who must approve a change of the policy itself."""
    document, change = setting.document, setting.document.value.get("change")
    if change is None:
        strict = setting.policy.access or any(rule.signed for rule in setting.policy.stages.values())
        if strict or any("approvals" in placed.gate.require for placed in setting.gates):
            message = "nobody need approve a change of this policy: whoever may push can weaken it first"
            hint = "change: {approvals: 1, role: platform}"
            yield document.finding((), "weak", message, hint=hint, severity="warning")
        return
    count, role = change["approvals"], change["role"]
    path: Path = ("change", "approvals")
    if count == 0:
        message = "0 approvals: whoever may push can weaken this policy first"
        yield document.finding(path, "weak", message, severity="warning")
        return
    if role not in setting.policy.roles:
        return
    members = setting.members(role)
    want = f"a change of the policy asks for {_times(count)} of {role}"
    if count > len(members):
        message = f"{want}, and there {_are(len(members))}: it can never change"
        yield document.finding(path, "change", message, hint=_NAME_MORE)
        return
    if count > len(members) - 1:
        message = f"{want}, and there {_are(len(members))}; who proposes it does not count"
        yield document.finding(path, "change", message, hint=_NAME_MORE, severity="warning")
    able = setting.reviewing(members) | setting.signing(members)
    if len(able) < count:
        message = f"{_few(able)} of them {_have(able)} an account under `people` or a key for approvals in {SIGNERS}"
        yield document.finding(path, "change", message, hint=_ADD_SIGNERS, severity="warning")


def _access(setting: Setting) -> Iterator[Finding]:
    """What `access` allows nobody to do."""
    policy, document = setting.policy, setting.document
    if not policy.access:
        return
    names: list[str | None] = [model.value["name"] for model in setting.models] or [None]
    if not any(setting.allowed("register", None, name) for name in names):
        yield document.finding(("access",), "access", "nobody may register a version")
    retired = {policy.displaced_to(stage) for stage in policy.exclusive}
    for stage, rule in policy.stages.items():
        if not rule.from_ or stage == policy.initial:
            continue
        actions = ("promote", "propose", "archive") if stage in retired else ("promote", "propose")
        left = [name for name in names if not any(setting.allowed(action, stage, name) for action in actions)]
        if left:
            of = "" if len(left) == len(names) else f" of {', '.join(str(name) for name in left[:3])}"
            message = f"nobody may promote or propose a version{of} into {stage}"
            hint = f"access: [{{role: …, may: [promote], models: ['*'], stages: [{stage}]}}]"
            yield document.finding(("access",), "access", message, hint=hint)


def _without_signers(document: Document, path: Path, what: str) -> Finding:
    message = f"{what}, and there is no {SIGNERS}: no signature counts"
    return document.finding(path, "signers", message, hint=_ADD_SIGNERS, severity="warning")


def _times(count: int) -> str:
    return f"{count} approval{'s' if count != 1 else ''}"


def _few(persons: frozenset[str]) -> str:
    return str(len(persons) or "none")


def _have(persons: frozenset[str]) -> str:
    return "has" if len(persons) == 1 else "have"


def _are(count: int) -> str:
    return "is 1 person" if count == 1 else f"are {count} persons" if count else "is nobody"
