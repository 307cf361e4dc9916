from __future__ import annotations

import pytest

from modelreg.domain.layout import ADD_ONLY, FileKind, Layout, Place, schema_header

V = "churn/1.0.0"
PLACES: list[tuple[str, FileKind, str | None, str | None, int | None]] = [
    ("registry.yaml", "registry", None, None, None),
    ("policy.yaml", "policy", None, None, None),
    ("allowed_signers", "signers", None, None, None),
    ("revoked_signers", "signers", None, None, None),
    ("notes.txt", "unknown", None, None, None),
    ("", "unknown", None, None, None),
    ("churn/model.yaml", "model", "churn", None, None),
    ("churn/stages.yaml", "stages", "churn", None, None),
    ("churn/README.md", "unknown", "churn", None, None),
    ("churn/transitions/0001.yaml", "transition", "churn", None, 1),
    ("churn/transitions/12345.yaml", "transition", "churn", None, 12345),
    ("churn/transitions/0001.yaml.sig", "signature", "churn", None, 1),
    ("churn/transitions/1.yaml", "unknown", "churn", None, None),
    ("churn/transitions/00001.yaml", "unknown", "churn", None, None),
    ("churn/transitions/0001.yml", "unknown", "churn", None, None),
    ("churn/transitions/x/0001.yaml", "unknown", "churn", None, None),
    ("churn/transitions/١٢٣٤.yaml", "unknown", "churn", None, None),
    (f"{V}/manifest.yaml", "manifest", "churn", "1.0.0", None),
    (f"{V}/manifest.yaml.sig", "signature", "churn", "1.0.0", None),
    (f"{V}/annotations.yaml", "annotations", "churn", "1.0.0", None),
    (f"{V}/withdrawn.yaml", "withdrawn", "churn", "1.0.0", None),
    (f"{V}/.gitignore", "gitignore", "churn", "1.0.0", None),
    (f"{V}/model.skops.dvc", "pointer", "churn", "1.0.0", None),
    (f"{V}/weights.sha256", "listing", "churn", "1.0.0", None),
    (f"{V}/model.skops", "unknown", "churn", "1.0.0", None),
    (f"{V}/evidence/evaluation-1.yaml", "evidence", "churn", "1.0.0", None),
    (f"{V}/evidence/evaluation-1.yaml.sig", "signature", "churn", "1.0.0", None),
    (f"{V}/evidence/report.html", "unknown", "churn", "1.0.0", None),
    (f"{V}/evidence/deep/a.yaml", "unknown", "churn", "1.0.0", None),
]


@pytest.mark.parametrize("root", ["", "ml/team"])
@pytest.mark.parametrize(("below", "kind", "model", "version", "number"), PLACES)
def test_place(
    root: str, below: str, kind: FileKind, model: str | None, version: str | None, number: int | None
) -> None:
    layout = Layout(root)
    path = layout.prefix + below
    assert layout.place(path) == Place(path, kind, model, version, number)


@pytest.mark.parametrize("root", ["", "ml/team"])
@pytest.mark.parametrize(
    "path", ["README.md", "registry", "registry2/policy.yaml", "ml/registry/policy.yaml", "dvc.yaml"]
)
def test_elsewhere(root: str, path: str) -> None:
    assert Layout(root).place(path) is None


@pytest.mark.parametrize(("root", "top", "name"), [("", "", "churn"), ("ml/team", "ml/team/", "ml/team=churn")])
def test_paths(root: str, top: str, name: str) -> None:
    layout = Layout(root)
    kinds = {
        layout.registry: "registry",
        layout.policy: "policy",
        layout.model("churn"): "model",
        layout.stages("churn"): "stages",
        layout.transition("churn", 7): "transition",
        layout.transition("churn", 12345): "transition",
        layout.manifest("churn", "1.0.0"): "manifest",
        layout.withdrawn("churn", "1.0.0"): "withdrawn",
    }
    for path, kind in kinds.items():
        place = layout.place(path)
        assert place is not None
        assert place.kind == kind
    assert layout.transition("churn", 7) == f"{top}registry/churn/transitions/0007.yaml"
    assert layout.model_folder("churn") == f"{top}registry/churn/"
    assert (layout.dvc_yaml, layout.schemas) == (f"{top}dvc.yaml", f"{top}schemas")
    assert layout.artifact_name("churn") == name


def test_add_only() -> None:
    assert ADD_ONLY.isdisjoint(("registry", "policy", "model", "stages", "annotations", "signers", "unknown"))


@pytest.mark.parametrize(
    ("path", "root", "header"),
    [
        ("registry/policy.yaml", "", "../schemas/policy.v1.json"),
        ("registry/churn/model.yaml", "", "../../schemas/policy.v1.json"),
        ("ml/team/registry/churn/1.0.0/manifest.yaml", "ml/team", "../../../schemas/policy.v1.json"),
    ],
)
def test_schema_header(path: str, root: str, header: str) -> None:
    assert schema_header(path, "policy", root) == header
