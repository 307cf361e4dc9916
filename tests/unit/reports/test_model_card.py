"""The model card: the Hub's library reads its front matter, and strangers' text stays text."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from huggingface_hub import EvalResult, ModelCard
from hypothesis import given
from hypothesis import strategies as st

from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.dossier import Dossier
from modelreg.domain.reports.card_metadata import front_matter
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.model_card import card_body
from modelreg.registry.export import card
from tests.dossiers import dossier, full_body, hostile
from tests.payloads import PAYLOADS
from tests.unit.reports.test_markdown import OURS, RENDERER, tags

MARKS = OURS | {"h1", "h2", "blockquote", "pre", "strong"}


def parsed(found: Dossier) -> Any:
    """As the Hub's library reads it; one that it cannot read raises there."""
    return ModelCard(card(YamlDocuments(), found))


def test_the_front_matter() -> None:
    data = parsed(dossier()).data
    assert (data.library_name, data.license, data.pipeline_tag) == ("sklearn", "apache-2.0", "tabular-classification")
    assert data.tags == ["modelreg", "classification", "license:Apache-2.0", "team:growth", "seen:yes"]
    assert data.datasets == ["customers", "images"]
    assert data.metrics == ["f1", "recall", "loss", "latency"]
    assert data.base_model == ["base@2.0.0", "gone@1.0.0"]
    assert data.to_dict()["base_model_relation"] == "finetune"
    assert data.model_name == "churn@1.3.0"


def test_the_results_are_our_metrics() -> None:
    results = parsed(dossier()).data.eval_results
    assert results == [
        EvalResult("tabular-classification", "customers", "customers", "f1", 0.9, dataset_split="test", dataset_revision="3" * 64, metric_name="f1"),
        EvalResult(
            "tabular-classification", "customers", "customers", "recall", 1e-05,
            dataset_split="test", dataset_revision="3" * 64, dataset_args={"slice": "region=EU"}, metric_name="recall",
        ),
        EvalResult("tabular-classification", "held out", "held out", "loss", 2.0, dataset_revision="9" * 64, metric_name="loss"),
        EvalResult("tabular-classification", "not recorded", "not recorded", "latency", 3.5, metric_name="latency"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("framework", "task", "library", "pipeline"),
    [
        ("scikit-learn", "regression", "sklearn", "tabular-regression"),
        ("scikit-learn", "clustering", "sklearn", None),
        ("torch", "classification", "pytorch", None),
        ("xgboost", "classification", "xgboost", "tabular-classification"),
    ],
)
def test_library_and_pipeline(framework: str, task: str, library: str, pipeline: str | None) -> None:
    data = front_matter(dossier(full_body() | {"framework": {"name": framework}}, about={"task": task}))
    assert (data["library_name"], data.get("pipeline_tag")) == (library, pipeline)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MIT", {"license": "mit"}), ("our own, ask us", {"license": "other", "license_name": "our own, ask us"})],
)
def test_licenses(name: str, expected: dict[str, str]) -> None:
    data = front_matter(dossier(about={"tags": {"license": name}}))
    assert {key: value for key, value in data.items() if key.startswith("license")} == expected


def test_relations_of_parents_are_one_word_or_none() -> None:
    body = full_body()
    body["lineage"]["parents"][1]["relation"] = "adapter"
    assert "base_model_relation" not in front_matter(dossier(body))


def test_the_body_says_where_it_stands_and_who_said_yes() -> None:
    text = card_body(dossier())
    assert text.startswith("# `churn` `1.3.0`\n\n> `boosting`\n> `on more customers`\n")
    assert "| `stage` | `production` |" in text
    assert "| `f1` | `0.9` | `0.88 to 0.92 at 95 %` | `higher` | `customers / test (n 600)` |" in text
    assert "| `latency` | `3.5 ms` |" in text
    assert "| `approval` | `staging -> production` | `bo@example.org` | `yes` |" in text
    assert "| `scan` |  | `ci@example.org` | `no` |" in text
    assert 'model = Registry(".").load("churn@1.3.0")' in text
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == [
        "Metrics", "Data", "Training code", "Parents", "Parameters", "Signature", "Feature importance", "Benchmarks",
        "Artifacts", "Evidence on record", "How to load it",
    ]  # fmt: skip


def test_a_version_out_of_service_says_so_first() -> None:
    text = card_body(dossier(withdrawn="leaks", stage=None))
    assert text.index("**Withdrawn: must not be served any more.** Reason: `leaks`") < text.index("boosting")
    assert "| `stage` | `withdrawn` |" in text


def test_a_bare_manifest_is_enough() -> None:
    body = {
        key: value
        for key, value in full_body().items()
        if key in ("model", "version", "created", "author", "artifacts")
    }
    found = parsed(dossier(body, about={}, annotations={}, evidence=(), parents={}))
    assert found.data.to_dict() == {"tags": ["modelreg", "other"]}
    assert re.findall(r"^## (.*)$", found.text, re.MULTILINE) == ["Artifacts", "How to load it"]


def test_what_runs_code_when_loaded_is_not_told_to_be_loaded() -> None:
    body = full_body()
    body["artifacts"][0]["format"] = "pickle"
    assert ".load(" not in card_body(dossier(body))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_strangers_text_is_code_and_nothing_else(payload: str) -> None:
    found = parsed(hostile(payload))
    html = RENDERER.render(found.text)
    assert tags(html) <= MARKS
    shown = one_line(payload).replace("`", "'").replace("|", "¦")
    assert not shown or unescape(html).count(f"<code>{shown}</code>") >= 10
    for forbidden in ("@", "://", "www."):
        assert forbidden not in re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.DOTALL)
    assert len(found.data.eval_results or ()) == 1


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_no_text_ends_the_front_matter_or_leaves_its_place(text: str) -> None:
    found = parsed(hostile(text))
    assert found.text.lstrip().startswith("# ")
    assert found.data.eval_results is not None
    assert found.data.eval_results[0].metric_value == 0.5
    assert tags(RENDERER.render(found.text)) <= MARKS
