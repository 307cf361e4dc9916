"""Where a version came from, as an in-toto statement with SLSA's provenance.

Formats: in-toto Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md), its resource
descriptors and digest sets (…/spec/v1/resource_descriptor.md, …/spec/v1/digest_set.md), and SLSA provenance v1
(https://slsa.dev/spec/v1.0/provenance). It says what the manifest says: the word of who registered, which nobody
signed and no builder watched. docs/compare-and-export.md documents the build type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelreg.domain.dossier import Dossier, git_uri
from modelreg.domain.manifest import Artifact

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://modelreg.dev/provenance/training/v1"
BUILDER = "https://modelreg.dev/provenance/registrant/v1"
"""Not a build service: whoever registered, on a machine of their own."""


def provenance(dossier: Dossier) -> dict[str, Any]:
    """The statement; every value is plain JSON. Equal dossiers give equal statements."""
    return {
        "_type": STATEMENT,
        "subject": [_artifact(artifact) for artifact in dossier.manifest.artifacts],
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": _external(dossier),
                "internalParameters": _internal(dossier),
                "resolvedDependencies": list(_dependencies(dossier)),
            },
            "runDetails": {
                "builder": {"id": BUILDER},
                "metadata": {"invocationId": _invocation(dossier), "finishedOn": dossier.manifest.body["created"]},
                "byproducts": [{"name": "manifest.yaml", "digest": {"sha256": dossier.manifest_sha256}}],
            },
        },
    }


def _artifact(artifact: Artifact, prefix: str = "") -> dict[str, Any]:
    """A folder stands as its listing, which is the file that the digest is of and which names every file's own."""
    told = {"name": prefix + (artifact.listing_path or artifact.path), "digest": {"sha256": artifact.sha256}}
    about = {"role": artifact.role, "format": artifact.format, "size_bytes": artifact.size_bytes}
    if artifact.listing_path:
        about |= {"folder": artifact.path}
    return {**told, "annotations": about}


def _external(dossier: Dossier) -> dict[str, Any]:
    """What whoever trained could choose."""
    pipeline, code = dossier.lineage("pipeline"), dossier.lineage("code")
    return _known(
        {
            "model": dossier.manifest.model,
            "version": str(dossier.manifest.version),
            "entryPoint": code.get("entry_point"),
            "command": pipeline.get("command"),
            "pipeline": _known({key: pipeline.get(key) for key in ("file", "stage", "folder", "outputs")}) or None,
            "seeds": dict(pipeline.get("seeds") or {}) or None,
            "params": dict(dossier.manifest.body.get("params") or {}),
        }
    )


def _internal(dossier: Dossier) -> dict[str, Any]:
    """What was so where it was trained."""
    body, environment = dossier.manifest.body, dossier.lineage("environment")
    return _known(
        {
            "environment": _known({key: value for key, value in environment.items() if key != "lock"}) or None,
            "framework": body.get("framework"),
            "architecture": body.get("architecture"),
            "registrant": body.get("author"),
            "registry": dossier.registry,
        }
    )


def _dependencies(dossier: Dossier) -> Iterator[dict[str, Any]]:
    yield from _code(dossier.lineage("code"))
    for entry in dossier.lineage("data"):
        yield _data(entry)
    if lock := dossier.lineage("environment").get("lock"):
        yield {"name": lock["path"], "digest": {"sha256": lock["sha256"]}, "annotations": {"role": "lock"}}
    for entry in dossier.lineage("parents"):
        name = f"{entry['model']}@{entry['version']}"
        relation = entry.get("relation") or "parent"
        if name not in dossier.parents:
            yield {"name": name, "annotations": {"relation": relation}}
            continue
        for artifact in dossier.parents[name].artifacts:
            told = _artifact(artifact, f"{name}/")
            yield {**told, "annotations": {**told["annotations"], "relation": relation}}


def _code(code: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not code.get("commit"):
        return
    uri = git_uri(code.get("repository"), code.get("branch"))
    about = _known({key: code.get(key) for key in ("tree", "dirty", "diff_sha256", "dirty_files")})
    yield _known({"name": "code", "uri": uri, "digest": {"gitCommit": code["commit"]}, "annotations": about or None})


def _data(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A digest that ends in `.dir` is DVC's of a folder, no MD5 of a file: an annotation then."""
    md5 = entry.get("md5")
    plain = md5 if md5 and not md5.endswith(".dir") else None
    digest = _known({"sha256": entry.get("sha256"), "md5": plain})
    keys = ("role", "path", "source", "version", "size_bytes", "rows", "columns", "files", "format")
    about = _known({**{key: entry.get(key) for key in keys}, "dvc_md5": md5 if md5 != plain else None})
    return _known({"name": entry["name"], "digest": digest or None, "annotations": about or None})


def _invocation(dossier: Dossier) -> str:
    run = dossier.lineage("run")
    if run.get("id"):
        return f"{run['tracker']}:{run['id']}" if run.get("tracker") else str(run["id"])
    return f"urn:modelreg:{dossier.registry}:{dossier.name}"


def _known(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None}
