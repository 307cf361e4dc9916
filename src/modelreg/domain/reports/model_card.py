"""A version's model card, below its front matter (card_metadata): Markdown, strangers' text in code spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelreg.domain.dossier import Dossier
from modelreg.domain.evidence import Evidence
from modelreg.domain.reports.markdown import code
from modelreg.domain.reports.tables import number, table

_LOADED = ("skops",)
"""Formats that the SDK loads without being asked to run code."""
_LINES = 40
"""How many lines of a description are shown."""


def card_body(dossier: Dossier) -> str:
    """What the version is, where it stands, how good it is, what it was made from, what was said of it."""
    return "\n".join(section for section in _sections(dossier) if section)


def _sections(dossier: Dossier) -> Iterator[str]:
    body = dossier.manifest.body
    yield f"# {code(dossier.about.get('display_name') or dossier.manifest.model)} {code(dossier.manifest.version)}\n"
    if dossier.withdrawn is not None:
        yield f"**Withdrawn: must not be served any more.** Reason: {code(dossier.withdrawn)}\n"
    if dossier.description:
        yield "".join(f"> {code(line)}\n" for line in dossier.description.strip().splitlines()[:_LINES] if line.strip())
    yield _facts(_about(dossier))
    yield _section("Metrics", ("metric", "value", "interval", "better", "measured on"), _metrics(body))
    yield _section("Data", ("data set", "role", "rows", "columns", "bytes", "sha256", "from"), _data(dossier))
    yield _section("Training code", ("", ""), _code(dossier))
    yield _section("Parents", ("version", "relation"), _parents(dossier))
    params = (body.get("params") or {}).items()
    yield _section("Parameters", ("parameter", "value"), ((name, "null" if v is None else v) for name, v in params))
    yield _section("Signature", ("", "name", "type", "shape", "nullable"), _signature(body.get("signature") or {}))
    yield _section("Feature importance", ("feature", "importance"), _importance(body.get("feature_importance") or {}))
    yield _section("Benchmarks", ("benchmark", "measured"), _benchmarks(body.get("benchmarks") or ()))
    files = ((a.path, a.role, a.format, a.size_bytes, a.sha256) for a in dossier.manifest.artifacts)
    yield _section("Artifacts", ("artifact", "role", "format", "bytes", "sha256"), files)
    yield _section("Evidence on record", ("type", "what", "by", "signed", "at"), map(_evidence, dossier.evidence))
    yield _loading(dossier)


def _about(dossier: Dossier) -> Iterator[tuple[str, Any]]:
    body = dossier.manifest.body
    author, framework = body["author"], body.get("framework") or {}
    bump = body.get("bump") or {}
    yield "model", dossier.manifest.model
    yield "version", dossier.manifest.version
    yield "stage", dossier.stage or "withdrawn"
    yield "aliases", ", ".join(dossier.aliases)
    yield "task", dossier.task
    yield "framework", " ".join(str(part) for part in framework.values())
    yield "architecture", body.get("architecture")
    yield "registered", f"{body['created']} by {author['name']} <{author['email']}>"
    yield "succeeds", bump.get("from")
    yield "because", "; ".join(bump.get("reasons") or ())
    yield "owners", ", ".join(map(str, dossier.about.get("owners") or ()))
    yield "license", dossier.license
    yield "tags", ", ".join(f"{key}={value}" for key, value in dossier.tags.items())
    yield "manifest sha256", dossier.manifest_sha256
    yield "registry", f"{dossier.registry} at commit {dossier.commit}"


def _metrics(body: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    for name, entry in (body.get("metrics") or {}).items():
        interval, dataset = entry.get("interval"), entry.get("dataset")
        dataset = dataset.get("name") or dataset.get("sha256") if isinstance(dataset, Mapping) else dataset
        place = " / ".join(str(part) for part in (dataset, entry.get("split"), entry.get("slice")) if part)
        told = (
            f"{number(interval['low'])} to {number(interval['high'])} at {100 * interval['level']:g} %"
            if interval
            else ""
        )
        count = f" (n {entry['n']})" if "n" in entry else ""
        unit = f" {entry['unit']}" if entry.get("unit") else ""
        yield name, f"{number(entry['value'])}{unit}", told, entry["direction"], f"{place}{count}"


def _data(dossier: Dossier) -> Iterator[Sequence[object]]:
    for entry in dossier.lineage("data"):
        sizes = (entry.get(key) for key in ("rows", "columns", "size_bytes"))
        told = ("" if size is None else size for size in sizes)
        place = entry.get("source") or entry.get("path") or ""
        yield entry["name"], entry.get("role", ""), *told, entry.get("sha256") or "", place


def _code(dossier: Dossier) -> Iterator[Sequence[object]]:
    recorded, pipeline, run = (dossier.lineage(key) for key in ("code", "pipeline", "run"))
    environment = dossier.lineage("environment")
    facts = {
        "repository": recorded.get("repository"),
        "commit": recorded.get("commit"),
        "branch": recorded.get("branch"),
        "uncommitted changes": recorded.get("diff_sha256") or ("yes" if recorded.get("dirty") else None),
        "entry point": recorded.get("entry_point"),
        "pipeline": " ".join(str(pipeline[key]) for key in ("file", "stage") if pipeline.get(key)),
        "command": pipeline.get("command"),
        "seeds": ", ".join(f"{name}={value}" for name, value in (pipeline.get("seeds") or {}).items()),
        "run": " ".join(str(run[key]) for key in ("tracker", "id", "url") if run.get(key)),
        "Python": environment.get("python"),
        "platform": environment.get("platform"),
        "lock file": (environment.get("lock") or {}).get("sha256"),
    }
    yield from ((key, value) for key, value in facts.items() if value)


def _parents(dossier: Dossier) -> Iterator[Sequence[object]]:
    for entry in dossier.lineage("parents"):
        yield f"{entry['model']}@{entry['version']}", entry.get("relation") or ""


def _signature(signature: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    for key in ("inputs", "outputs", "parameters"):
        for entry in signature.get(key) or ():
            nullable = "yes" if entry.get("nullable") else "no"
            yield (
                key[:-1],
                entry["name"],
                entry["type"],
                entry.get("shape", ""),
                nullable if key != "parameters" else "",
            )


def _importance(importance: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    values = importance.get("values") or {}
    if values:
        yield f"(by {importance['method']})", ""
    for name, value in sorted(values.items(), key=lambda item: -abs(item[1])):
        yield name, number(value)


def _benchmarks(benchmarks: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[object]]:
    for entry in benchmarks:
        yield entry["name"], ", ".join(f"{key} {value}" for key, value in entry.items() if key != "name")


def _evidence(item: Evidence) -> Sequence[object]:
    """`signed` is said only where the signature holds by the registry's own list of keys."""
    body = item.body
    what = {
        "approval": f"{body.get('from')} -> {body.get('to')}",
        "compliance": body.get("attestation"),
        "ab-test": body.get("metric"),
    }.get(item.type, "")
    return item.type, what or "", body.get("by", ""), "yes" if item.signer else "no", body.get("at", "")


def _loading(dossier: Dossier) -> str:
    """In a clone of the registry's repository. Names are of letters that nothing here can be left with."""
    if not dossier.manifest.content:
        return ""
    lines = ["## How to load it", "", "In a clone of the registry's repository:", "", "```sh"]
    lines += [f"modelreg pull {dossier.name}", "```", ""]
    if dossier.manifest.primary.format in _LOADED:
        loading = f'model = Registry(".").load("{dossier.name}")'
        lines += ["```python", "from modelreg import Registry", "", loading, "```", ""]
    return "\n".join(lines)


def _facts(rows: Iterable[tuple[str, Any]]) -> str:
    return table(("", ""), [(key, value) for key, value in rows if value])


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    listed = list(rows)
    return f"## {title}\n\n{table(columns, listed)}" if listed else ""
