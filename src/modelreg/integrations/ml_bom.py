"""A version as a CycloneDX 1.6 bill of materials for machine learning (ECMA-424, https://cyclonedx.org/docs/1.6/json/).

cyclonedx-python-lib (extra `bom`) writes components, hashes, dependencies and the frame. It has no classes for model
cards yet, so that `modelCard` is written here, and the whole passes the library's strict validator before it is given
away. The document is a function of the manifest and the descriptions: the serial number of registry and manifest, the
time of registration.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from modelreg.domain.dossier import Dossier, git_uri
from modelreg.domain.manifest import Manifest
from modelreg.domain.metric import number
from modelreg.errors import InvalidError, UnavailableError

if TYPE_CHECKING:
    from cyclonedx.model import HashType, Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.validation.json import JsonStrictValidator

_APPROACHES = {"classification": "supervised", "regression": "supervised", "clustering": "unsupervised"}
_EMAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
_MD5 = re.compile(r"[0-9a-f]{32}")


def ml_bom(dossier: Dossier) -> dict[str, Any]:
    """The bill as JSON. Raises UnavailableError without the extra `bom`, InvalidError where the manifest holds what
    CycloneDX's schema refuses."""
    try:
        from cyclonedx.output import make_outputter
        from cyclonedx.schema import OutputFormat, SchemaVersion
    except ImportError as error:
        hint = "pip install 'modelreg[bom]'"
        raise UnavailableError("an ML-BOM needs cyclonedx-python-lib", hint=hint) from error
    bom, datasets = _bom(dossier)
    written = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    body: dict[str, Any] = json.loads(written)
    body["metadata"]["component"]["modelCard"] = _model_card(dossier, datasets)
    trouble = _validator().validate_str(json.dumps(body))
    if trouble is not None:
        where = "/".join(str(part) for part in trouble.data.absolute_path)
        raise InvalidError(
            "is not as CycloneDX 1.6 wants it", field=where or None, hint=f"modelreg show {dossier.name}"
        )
    return body


@functools.cache
def _validator() -> JsonStrictValidator:
    """It reads its schemas once, which takes longer than to validate."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6)


def _bom(dossier: Dossier) -> tuple[Bom, list[str]]:
    """The library's part, and the references of the data sets."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.tool import ToolRepository

    model = _model(dossier)
    data, packages = _data(dossier.lineage("data")), _packages(dossier)
    metadata = BomMetaData(
        component=model,
        timestamp=datetime.fromisoformat(dossier.manifest.body["created"]),
        tools=ToolRepository(
            components=[Component(name="modelreg", type=ComponentType.APPLICATION, bom_ref="tool:modelreg")]
        ),
    )
    bom = Bom(
        serial_number=uuid5(UUID(hex=dossier.registry), dossier.manifest_sha256),
        metadata=metadata,
        components=[*data, *packages],
    )
    bom.register_dependency(model, [*data, *packages])
    return bom, [str(component.bom_ref.value) for component in data]


def _model(dossier: Dossier) -> Component:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, XsUri
    from cyclonedx.model.component import Component, ComponentType, Pedigree
    from cyclonedx.model.contact import OrganizationalContact

    manifest, author = dossier.manifest, dossier.manifest.body["author"]
    email = author["email"] if _EMAIL.fullmatch(author["email"]) else None
    source = git_uri(dossier.lineage("code").get("repository"))
    ancestors = [_parent(dossier, f"{entry['model']}@{entry['version']}") for entry in dossier.lineage("parents")]
    files = [
        Component(
            name=artifact.listing_path or artifact.path,
            type=ComponentType.FILE,
            bom_ref=f"artifact:{artifact.path}",
            hashes=_hashes(sha256=artifact.sha256),
            properties=_properties(
                role=artifact.role,
                format=artifact.format,
                size_bytes=artifact.size_bytes,
                folder=artifact.path if artifact.listing_path else None,
            ),
        )
        for artifact in manifest.artifacts
    ]
    return Component(
        name=str(manifest.model),
        version=str(manifest.version),
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=dossier.name,
        description=dossier.description,
        hashes=_hashes(sha256=_primary_sha256(manifest)),
        authors=[OrganizationalContact(name=author["name"], email=email)],
        licenses=[_license(dossier.license)] if dossier.license else None,
        pedigree=Pedigree(ancestors=ancestors) if ancestors else None,
        external_references=[ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(source))] if source else None,
        components=files,
        properties=_of_model(dossier),
    )


def _parent(dossier: Dossier, name: str) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    model, _, version = name.partition("@")
    parent = dossier.parents.get(name)
    return Component(
        name=model,
        version=version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"parent:{name}",
        hashes=_hashes(sha256=_primary_sha256(parent) if parent else None),
    )


def _primary_sha256(manifest: Manifest) -> str | None:
    """None for a version whose files are elsewhere."""
    return manifest.primary.sha256 if manifest.content else None


def _license(name: str) -> DisjunctiveLicense:
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.spdx import fixup_id

    known = fixup_id(name)
    return DisjunctiveLicense(id=known) if known else DisjunctiveLicense(name=name)


def _of_model(dossier: Dossier) -> list[Property]:
    code, environment, pipeline = (dossier.lineage(key) for key in ("code", "environment", "pipeline"))
    facts = {
        "registry": dossier.registry,
        "manifest:sha256": dossier.manifest_sha256,
        "code:commit": code.get("commit"),
        "code:dirty": code.get("dirty"),
        "environment:python": environment.get("python"),
        "environment:platform": environment.get("platform"),
        "environment:lock:sha256": (environment.get("lock") or {}).get("sha256"),
        "pipeline:command": pipeline.get("command"),
        **{f"tag:{key}": value for key, value in dossier.tags.items()},
    }
    return _properties(**facts)


def _data(entries: Iterable[Mapping[str, Any]]) -> list[Component]:
    from cyclonedx.model.component import Component, ComponentType

    found: dict[str, Component] = {}
    for entry in entries:
        ref = f"data:{entry['name']}"
        while ref in found:  # the library would give a second one a name by chance
            ref += "'"
        found[ref] = Component(
            name=entry["name"],
            version=entry.get("version"),
            type=ComponentType.DATA,
            bom_ref=ref,
            hashes=_hashes(sha256=entry.get("sha256"), md5=entry.get("md5")),
            properties=_properties(
                **{key: entry.get(key) for key in ("role", "path", "source", "size_bytes", "rows", "columns", "files")}
            ),
        )
    return list(found.values())


def _packages(dossier: Dossier) -> list[Component]:
    """The distributions that were installed, and the framework where they are not listed; by package URL."""
    from cyclonedx.model.component import Component
    from packageurl import PackageURL

    framework = dossier.manifest.body.get("framework") or {}
    listed = dict(dossier.lineage("environment").get("packages") or {})
    if framework and framework["name"].lower() not in {name.lower() for name in listed}:
        listed[framework["name"]] = framework.get("version")
    found: dict[str, Component] = {}
    for name, version in listed.items():
        try:
            purl = PackageURL(type="pypi", name=re.sub(r"[-_.]+", "-", name).lower(), version=version)
        except ValueError:
            purl = None  # no name that a package could have
        ref = purl.to_string() if purl else f"package:{name}"
        found.setdefault(ref, Component(name=name, version=version, purl=purl, bom_ref=ref))
    return list(found.values())


def _hashes(*, sha256: str | None = None, md5: str | None = None) -> list[HashType]:
    """A folder's MD5, as DVC names it, is none of CycloneDX's and is left out."""
    from cyclonedx.model import HashAlgorithm, HashType

    known = {HashAlgorithm.SHA_256: sha256, HashAlgorithm.MD5: md5 if md5 and _MD5.fullmatch(md5) else None}
    return [HashType(alg=algorithm, content=content) for algorithm, content in known.items() if content]


def _properties(**facts: Any) -> list[Property]:
    from cyclonedx.model import Property

    return [Property(name=f"modelreg:{key}", value=_text(value)) for key, value in facts.items() if value is not None]


# --- the model card (https://cyclonedx.org/docs/1.6/json/#metadata_component_modelCard)


def _model_card(dossier: Dossier, datasets: Iterable[str]) -> dict[str, Any]:
    body = dossier.manifest.body
    signature, architecture = body.get("signature") or {}, body.get("architecture")
    approach = _APPROACHES.get(dossier.task)
    parameters = {
        "approach": {"type": approach} if approach else None,
        "task": dossier.task,
        "architectureFamily": _family(architecture),
        "modelArchitecture": architecture,
        "datasets": [{"ref": ref} for ref in datasets],
        "inputs": [{"format": _column(column)} for column in signature.get("inputs") or ()],
        "outputs": [{"format": _column(column)} for column in signature.get("outputs") or ()],
    }
    metrics = [_metric(dossier, name) for name in dossier.manifest.metrics]
    used = dossier.about.get("description")
    params = [{"name": f"modelreg:param:{k}", "value": _text(v)} for k, v in (body.get("params") or {}).items()]
    card = {
        "bom-ref": f"card:{dossier.name}",
        "modelParameters": {key: value for key, value in parameters.items() if value},
        "quantitativeAnalysis": {"performanceMetrics": metrics} if metrics else None,
        "considerations": {"useCases": [used]} if used else None,
        "properties": params,
    }
    return {key: value for key, value in card.items() if value}


def _family(architecture: str | None) -> str | None:
    """`sklearn.ensemble` of `sklearn.ensemble.RandomForestClassifier`; what has no dots is its own family."""
    name = (architecture or "").partition("(")[0]
    return name.rpartition(".")[0] or name or None


def _column(column: Mapping[str, Any]) -> str:
    shape = f" {column['shape']}" if column.get("shape") else ""
    return f"{column['name']}: {column['type']}{shape}{', nullable' if column.get('nullable') else ''}"


def _metric(dossier: Dossier, name: str) -> dict[str, Any]:
    """`slice` names the data set, the split and the slice that the value was measured on, as far as they are known."""
    entry = dossier.manifest.body["metrics"][name]
    dataset = entry.get("dataset")
    dataset = dataset.get("name") or dataset.get("sha256") if isinstance(dataset, Mapping) else dataset
    place = " / ".join(str(part) for part in (dataset, entry.get("split"), entry.get("slice")) if part)
    told: dict[str, Any] = {"type": name, "value": _text(number(entry["value"])), "slice": place or None}
    if interval := entry.get("interval"):
        told["confidenceInterval"] = {"lowerBound": _text(interval["low"]), "upperBound": _text(interval["high"])}
    return {key: value for key, value in told.items() if value}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
