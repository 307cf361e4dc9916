"""The provenance statement: in-toto's and SLSA's own classes take it, and it says what the manifest says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from modelreg.domain.dossier import git_uri
from modelreg.domain.slsa import provenance
from tests.dossiers import COMMIT, REGISTRY, dossier, full_body, hostile
from tests.payloads import PAYLOADS


def validated(body: dict[str, Any]) -> dict[str, Any]:
    """The statement as it comes back from JSON, after the protobuf classes took every field of it."""
    told: dict[str, Any] = json.loads(json.dumps(body, allow_nan=False))
    Statement.copy_from_pb(ParseDict(told, statement_pb2.Statement())).validate()
    predicate = ParseDict(told["predicate"], provenance_pb2.Provenance())
    for descriptor in (*predicate.build_definition.resolved_dependencies, *predicate.run_details.byproducts):
        ResourceDescriptor.copy_from_pb(descriptor).validate()
    return told


def test_the_layout_of_the_specifications() -> None:
    told = validated(provenance(dossier()))
    assert set(told) == {"_type", "subject", "predicateType", "predicate"}
    assert (told["_type"], told["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert set(told["predicate"]) == {"buildDefinition", "runDetails"}
    definition, run = told["predicate"]["buildDefinition"], told["predicate"]["runDetails"]
    assert set(definition) == {"buildType", "externalParameters", "internalParameters", "resolvedDependencies"}
    assert run["builder"] == {"id": "https://modelreg.dev/provenance/registrant/v1"}
    assert run["metadata"] == {"invocationId": "mlflow:abc123", "finishedOn": "2026-11-24T12:30:00Z"}
    assert run["byproducts"] == [{"name": "manifest.yaml", "digest": {"sha256": "8" * 64}}]


def test_every_artifact_is_a_subject_a_folder_by_its_listing() -> None:
    subject = provenance(dossier())["subject"]
    assert [(each["name"], each["digest"]["sha256"][0]) for each in subject] == [
        ("model.skops", "1"),
        ("notes.sha256", "2"),
    ]
    assert subject[1]["annotations"]["folder"] == "notes"


def test_what_it_was_made_from() -> None:
    definition = provenance(dossier())["predicate"]["buildDefinition"]
    found = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert list(found) == ["code", "customers", "images", "requirements.lock", "base@2.0.0/model.skops", "gone@1.0.0"]
    assert found["code"]["uri"] == "git+https://github.com/example/churn.git@refs/heads/main"
    assert found["code"]["digest"] == {"gitCommit": "a" * 40}
    assert found["code"]["annotations"] == {"tree": "e" * 40, "dirty": True, "diff_sha256": "d" * 64}
    assert found["customers"]["digest"] == {"sha256": "3" * 64, "md5": "4" * 32}
    assert "digest" not in found["images"]
    assert found["images"]["annotations"]["dvc_md5"] == "5" * 32 + ".dir"
    assert found["base@2.0.0/model.skops"]["digest"] == {"sha256": "7" * 64}
    external, internal = definition["externalParameters"], definition["internalParameters"]
    assert (external["command"], external["entryPoint"], external["seeds"]) == (
        "python train.py",
        "train.py",
        {"python": 7},
    )
    assert external["params"] == full_body()["params"]
    assert internal["environment"]["packages"] == {"scikit-learn": "1.9.1", "Foo_Bar": "2.0+cpu"}
    assert internal["registrant"] == {"name": "Ada Lovelace", "email": "ada@example.com"}


def test_a_bare_manifest_is_enough() -> None:
    body = {
        key: value
        for key, value in full_body().items()
        if key in ("model", "version", "created", "author", "artifacts")
    }
    told = validated(provenance(dossier(body)))
    assert told["predicate"]["buildDefinition"]["resolvedDependencies"] == []
    assert told["predicate"]["runDetails"]["metadata"]["invocationId"] == f"urn:modelreg:{REGISTRY}:churn@1.3.0"


def test_where_it_stands_does_not_change_it() -> None:
    assert provenance(dossier()) == provenance(dossier(stage=None, withdrawn="bad", commit=COMMIT[::-1], evidence=()))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_strangers_text_is_a_value_and_no_address(payload: str) -> None:
    told = validated(provenance(hostile(payload)))
    code = told["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert code.get("uri", "git+").startswith("git+")


@pytest.mark.parametrize(
    ("repository", "branch", "uri"),
    [
        ("https://github.com/a/b.git", "main", "git+https://github.com/a/b.git@refs/heads/main"),
        ("https://github.com/a/b", None, "git+https://github.com/a/b"),
        ("ssh://git.example.org:2222/a/b.git", None, "git+ssh://git.example.org:2222/a/b.git"),
        ("git://example.org/a", None, "git://example.org/a"),
        ("git@github.com:a/b.git", "x y#z", "git+ssh://github.com/a/b.git@refs/heads/x%20y%23z"),
        ("https://user:secret@example.org/a", None, None),
        ("javascript:alert(1)", None, None),
        ("javascript://x/%0aalert(1)", None, None),
        ("https://example.org/a b", None, None),
        ("https://example.org/a?x=y", None, None),
        ("file:///etc/passwd", None, None),
        ("/srv/git/a", None, None),
        ("", None, None),
        (None, "main", None),
    ],
)
def test_the_address_of_a_repository(repository: str | None, branch: str | None, uri: str | None) -> None:
    assert git_uri(repository, branch) == uri


@given(st.text(max_size=30), st.text(max_size=10))
def test_no_address_holds_blanks_or_controls(repository: str, branch: str) -> None:
    uri = git_uri(repository, branch.encode("utf-8", "ignore").decode())
    assert uri is None or (uri.isascii() and uri.isprintable() and " " not in uri)
