"""How a version is named: `MODEL@1.3.0`, `MODEL@latest`, `MODEL#production`, `MODEL@champion`."""

from __future__ import annotations

from dataclasses import dataclass

from modelreg.domain.names import Alias, ModelName, Stage, parse_alias, parse_model, parse_stage
from modelreg.domain.version import Version
from modelreg.errors import InvalidError, UsageError


@dataclass(frozen=True, slots=True)
class Address:
    """A model and what picks its version; exactly one of `version`, `stage`, `alias`, or none for the latest."""

    model: ModelName
    version: Version | None = None
    stage: Stage | None = None
    alias: Alias | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises UsageError for the shape, InvalidError for the names in it. A bare MODEL is its latest."""
        if "#" in text:
            model, stage = text.split("#", 1)
            return cls(parse_model(model), stage=parse_stage(stage))
        model, at, selector = text.partition("@")
        name = parse_model(model)
        if not at or selector == "latest":
            return cls(name)
        if not selector:
            raise UsageError(
                f"{text[:80]!a} is not an address",
                hint="write MODEL@1.3.0, MODEL@latest, MODEL#STAGE or MODEL@ALIAS",
            )
        if selector[0].isdigit():
            return cls(name, version=Version.parse(selector))
        if selector[0] == "v" and selector[1:2].isdigit():
            raise InvalidError(f"{selector!a} is not a version", hint=f"write {name}@{selector[1:]}")
        return cls(name, alias=parse_alias(selector))

    def __str__(self) -> str:
        if self.stage:
            return f"{self.model}#{self.stage}"
        return f"{self.model}@{self.version or self.alias or 'latest'}"
