"""What the configuration beside a model says: `config.json` of Transformers, `adapter_config.json` of PEFT.

Only the text is read: no library is asked, no code of a repository is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelreg.domain.formats import FileFacts, label
from modelreg.integrations import json_files

CONFIG = "config.json"
ADAPTER = "adapter_config.json"


def describe(configs: Mapping[str, Path]) -> FileFacts:
    """Framework and architecture, and the base model of an adapter, from those of CONFIG and ADAPTER that there are.

    Raises InvalidError for a file that is no JSON object, OSError.
    """
    if ADAPTER in configs:
        return _adapter(json_files.read(configs[ADAPTER]))
    return _transformers(json_files.read(configs[CONFIG])) if CONFIG in configs else FileFacts()


def _transformers(config: Mapping[str, Any]) -> FileFacts:
    """Other libraries have a config.json too: without `architectures` or `transformers_version` it says nothing."""
    architectures, version = config.get("architectures"), label(config.get("transformers_version"), 100)
    first = label(architectures[0]) if isinstance(architectures, list) and architectures else None
    if first is None and version is None:
        return FileFacts()
    fields: dict[str, Any] = {"framework": {"name": "transformers"} | ({"version": version} if version else {})}
    return FileFacts(fields | ({"architecture": first} if first else {}))


def _adapter(config: Mapping[str, Any]) -> FileFacts:
    base, kind = label(config.get("base_model_name_or_path")), label(config.get("peft_type"), 100)
    version = label(config.get("peft_version"), 100)
    fields: dict[str, Any] = {"framework": {"name": "peft"} | ({"version": version} if version else {})}
    if kind:
        fields["architecture"] = f"peft.{kind}"
    return FileFacts(fields, {"base_model": base} if base else {})
