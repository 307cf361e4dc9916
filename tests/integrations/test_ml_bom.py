"""The ML-BOM: CycloneDX's own strict validator takes it; it is the same every time."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from modelreg.errors import InvalidError, UnavailableError
from modelreg.integrations.ml_bom import ml_bom
from tests.dossiers import COMMIT, dossier, full_body, hostile
from tests.payloads import PAYLOADS

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


def validated(body: dict[str, Any]) -> dict[str, Any]:
    assert VALIDATOR.validate_str(json.dumps(body, allow_nan=False)) is None
    return body


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in component["properties"]}


def test_the_model_is_what_the_bill_is_of() -> None:
    bom = validated(ml_bom(dossier()))
    model = bom["metadata"]["component"]
    assert (bom["specVersion"], model["type"], model["name"], model["version"]) == (
        "1.6",
        "machine-learning-model",
        "churn",
        "1.3.0",
    )
    assert model["hashes"] == [{"alg": "SHA-256", "content": "1" * 64}]
    assert model["description"] == "boosting\non more customers"
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert model["externalReferences"] == [{"type": "vcs", "url": "git+https://github.com/example/churn.git"}]
    assert [each["name"] for each in model["components"]] == ["model.skops", "notes.sha256"]
    assert [(each["name"], "hashes" in each) for each in model["pedigree"]["ancestors"]] == [
        ("base", True),
        ("gone", False),
    ]
    assert properties(model)["modelreg:manifest:sha256"] == "8" * 64
    assert bom["metadata"]["timestamp"] == "2026-11-24T12:30:00+00:00"


def test_its_card() -> None:
    card = ml_bom(dossier())["metadata"]["component"]["modelCard"]
    parameters = card["modelParameters"]
    assert parameters["task"] == "classification"
    assert parameters["approach"] == {"type": "supervised"}
    assert parameters["architectureFamily"] == "sklearn.ensemble"
    assert parameters["modelArchitecture"] == "sklearn.ensemble.RandomForestClassifier"
    assert parameters["datasets"] == [{"ref": "data:customers"}, {"ref": "data:images"}]
    assert parameters["inputs"] == [{"format": "plan: string [-1], nullable"}]
    assert parameters["outputs"] == [{"format": "churned: int64"}]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {
            "type": "f1",
            "value": "0.9",
            "slice": "customers / test",
            "confidenceInterval": {"lowerBound": "0.88", "upperBound": "0.92"},
        },
        {"type": "recall", "value": "1e-05", "slice": "customers / test / region=EU"},
        {"type": "loss", "value": "2.0", "slice": "held out"},
        {"type": "latency", "value": "3.5"},
    ]
    assert card["considerations"] == {"useCases": ["Who leaves?"]}
    assert properties(card)["modelreg:param:nested"] == '{"list": [1, null]}'


def test_data_and_packages_are_what_the_model_depends_on() -> None:
    bom = ml_bom(dossier())
    found = {each["bom-ref"]: each for each in bom["components"]}
    assert set(found) == {"data:customers", "data:images", "pkg:pypi/foo-bar@2.0%2Bcpu", "pkg:pypi/scikit-learn@1.9.1"}
    assert {each["type"] for each in bom["components"]} == {"data", "library"}
    assert found["data:customers"]["hashes"] == [
        {"alg": "MD5", "content": "4" * 32},
        {"alg": "SHA-256", "content": "3" * 64},
    ]
    assert "hashes" not in found["data:images"]
    assert found["pkg:pypi/foo-bar@2.0%2Bcpu"]["purl"] == "pkg:pypi/foo-bar@2.0%2Bcpu"
    depends = {each["ref"]: each.get("dependsOn") for each in bom["dependencies"]}
    assert depends["churn@1.3.0"] == sorted(found)


def test_it_is_the_same_every_time_and_says_nothing_of_stages() -> None:
    once = ml_bom(dossier())
    assert once == ml_bom(dossier(stage=None, withdrawn="bad", aliases=(), commit=COMMIT[::-1], evidence=()))
    other = ml_bom(dossier(manifest_sha256="9" * 64))
    assert other["serialNumber"] != once["serialNumber"]
    assert ml_bom(dossier(registry="0" * 32))["serialNumber"] != once["serialNumber"]


def test_a_bare_manifest_is_enough() -> None:
    body = {
        key: value
        for key, value in full_body().items()
        if key in ("model", "version", "created", "author", "artifacts")
    }
    bom = validated(ml_bom(dossier(body, about={}, annotations={})))
    assert bom["metadata"]["component"]["modelCard"]["modelParameters"] == {"task": "other"}
    assert "components" not in bom


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_strangers_text_is_a_value_and_no_more(payload: str) -> None:
    bom = validated(ml_bom(hostile(payload)))
    model = bom["metadata"]["component"]
    assert [author["name"] for author in model["authors"]] == [payload]
    assert model["version"] == "1.3.0"
    refs = [each["bom-ref"] for each in (*bom["components"], *model["components"])]
    assert len(set(refs)) == len(refs)
    assert [each["type"] for each in bom["components"]].count("data") == 2


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx.output", None)
    with pytest.raises(UnavailableError) as caught:
        ml_bom(dossier())
    assert caught.value.hint == "pip install 'modelreg[bom]'"


def test_what_the_schema_refuses_is_not_given_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelreg.integrations.ml_bom._APPROACHES", {"classification": "guessing"})
    with pytest.raises(InvalidError) as caught:
        ml_bom(dossier())
    assert caught.value.field == "metadata/component/modelCard/modelParameters/approach/type"
