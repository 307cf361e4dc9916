"""Where documents stand in the tree, and what kind a path is. Paths are text with `/`, from the repository's top."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DocumentKind = Literal[
    "registry",
    "policy",
    "approval",
    "model",
    "stages",
    "transition",
    "manifest",
    "annotations",
    "evidence",
    "withdrawn",
]
FileKind = DocumentKind | Literal["pointer", "listing", "gitignore", "signature", "signers", "unknown"]

ADD_ONLY: frozenset[FileKind] = frozenset(
    (
        "approval",
        "transition",
        "manifest",
        "pointer",
        "listing",
        "evidence",
        "withdrawn",
        "signature",
        "gitignore",
    )
)
"""Once landed, such a file is never edited or removed."""

_IN_REGISTRY: dict[str, FileKind] = {
    "registry.yaml": "registry",
    "policy.yaml": "policy",
    "allowed_signers": "signers",
    "revoked_signers": "signers",
}
_IN_MODEL: dict[str, FileKind] = {"model.yaml": "model", "stages.yaml": "stages"}
_IN_VERSION: dict[str, FileKind] = {
    "manifest.yaml": "manifest",
    "annotations.yaml": "annotations",
    "withdrawn.yaml": "withdrawn",
    ".gitignore": "gitignore",
}
_ENDINGS: dict[str, FileKind] = {".dvc": "pointer", ".sha256": "listing", ".sig": "signature"}
_UNKNOWN: FileKind = "unknown"
_TRANSITION = re.compile(r"([0-9]{4,})\.yaml")


@dataclass(frozen=True, slots=True)
class Place:
    """What a path below registry/ is. `model` and `version` are as the folders say, not yet checked as names."""

    path: str
    kind: FileKind
    model: str | None = None
    version: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a registry whose root folder is `root` ("" at the top, else `ml/team`)."""

    root: str = ""

    def at(self, *parts: str) -> str:
        return "/".join(part for part in (self.root, *parts) if part)

    @property
    def prefix(self) -> str:
        """All documents lie below this folder (with its `/`)."""
        return self.at("registry") + "/"

    @property
    def registry(self) -> str:
        return self.at("registry", "registry.yaml")

    @property
    def policy(self) -> str:
        return self.at("registry", "policy.yaml")

    @property
    def allowed_signers(self) -> str:
        """Which key speaks for whom (ssh-keygen(1), ALLOWED SIGNERS)."""
        return self.at("registry", "allowed_signers")

    @property
    def revoked_signers(self) -> str:
        """Which keys do no longer."""
        return self.at("registry", "revoked_signers")

    @property
    def approvals(self) -> str:
        """Approvals of changes of the rules lie in this folder (with its `/`)."""
        return self.at("registry", "approvals") + "/"

    @property
    def dvc_yaml(self) -> str:
        return self.at("dvc.yaml")

    @property
    def schemas(self) -> str:
        return self.at("schemas")

    def model_folder(self, model: str) -> str:
        return self.at("registry", model) + "/"

    def model(self, model: str) -> str:
        return self.at("registry", model, "model.yaml")

    def stages(self, model: str) -> str:
        return self.at("registry", model, "stages.yaml")

    def transitions(self, model: str) -> str:
        """The folder of a model's records (with its `/`)."""
        return self.at("registry", model, "transitions") + "/"

    def transition(self, model: str, number: int) -> str:
        return self.at("registry", model, "transitions", f"{number:04d}.yaml")

    def version(self, model: str, version: object, name: str) -> str:
        return self.at("registry", model, str(version), name)

    def manifest(self, model: str, version: object) -> str:
        return self.version(model, version, "manifest.yaml")

    def withdrawn(self, model: str, version: object) -> str:
        return self.version(model, version, "withdrawn.yaml")

    def artifact_name(self, model: str) -> str:
        """How GTO and DVC name the model: `churn`, in a subfolder `ml/team=churn`."""
        return f"{self.root}={model}" if self.root else model

    def place(self, path: str) -> Place | None:
        """What a path is; None where it is not below registry/."""
        prefix = self.prefix
        if not path.startswith(prefix):
            return None
        parts = path[len(prefix) :].split("/")
        if len(parts) == 1:
            return Place(path, _IN_REGISTRY.get(parts[0], "unknown"))
        model = parts[0]
        if model == "approvals":
            kind: FileKind = "signature" if parts[1].endswith(".yaml.sig") else "approval"
            return Place(path, kind if len(parts) == 2 and parts[1].endswith((".yaml", ".yaml.sig")) else "unknown")
        if len(parts) == 2:
            return Place(path, _IN_MODEL.get(parts[1], "unknown"), model)
        if parts[1] == "transitions":
            return _transition_place(path, model, parts)
        return _version_place(path, model, parts)


def holders(paths: Iterable[str], folder: str, name: str) -> dict[str, str]:
    """Of a listing of files: by name the folders in `folder` (with its `/`) that hold a file `name`; its path."""
    start, end = len(folder), f"/{name}"
    found = ((path[start : -len(end)], path) for path in paths if path.startswith(folder) and path.endswith(end))
    return {called: path for called, path in found if called and "/" not in called}


def schema_header(path: str, kind: str, root: str) -> str:
    """The relative path from a document to its schema, for the line that editors read."""
    below = path[len(root) + 1 :] if root else path
    return "../" * below.count("/") + f"schemas/{kind}.v1.json"


def _transition_place(path: str, model: str, parts: list[str]) -> Place:
    name = parts[-1]
    match = _TRANSITION.fullmatch(name.removesuffix(".sig"))
    if len(parts) != 3 or not match or (len(match[1]) > 4 and match[1].startswith("0")):
        return Place(path, "unknown", model)
    kind: FileKind = "signature" if name.endswith(".sig") else "transition"
    return Place(path, kind, model, number=int(match[1]))


def _version_place(path: str, model: str, parts: list[str]) -> Place:
    version, name = parts[1], parts[-1]
    if len(parts) == 4 and parts[2] == "evidence" and name.endswith((".yaml", ".yaml.sig")):
        return Place(path, "signature" if name.endswith(".sig") else "evidence", model, version)
    if len(parts) != 3:
        return Place(path, "unknown", model, version)
    if name not in _IN_VERSION:
        by_ending = next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), _UNKNOWN)
        return Place(path, by_ending, model, version)
    return Place(path, _IN_VERSION[name], model, version)
