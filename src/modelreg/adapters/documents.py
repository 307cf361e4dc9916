"""The YAML door and the schema door as one port: every document that modelreg reads or writes passes here.

Only the reader is imported at once: most commands write nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelreg.adapters import yaml_reader
from modelreg.domain.document import Document
from modelreg.domain.finding import Finding


class YamlDocuments:
    """Implements `registry.ports.Documents`."""

    def __init__(self) -> None:
        self._written: tuple[bytes, Any] | None = None

    def load(self, data: bytes, file: str) -> Document:
        """The one YAML document in `data`. Raises InvalidError with file, line, field and hint."""
        if (written := self._written) is not None and written[0] is data:
            self._written = None  # whoever gets the value may change it
            return yaml_reader.document(data, file, written[1])
        return yaml_reader.read(data, file)

    def dump(self, value: Mapping[str, object], *, schema: str | None = None, comment: str | None = None) -> bytes:
        """Canonical YAML: the same value gives the same bytes, and loads as the same value."""
        from modelreg.adapters import yaml_writer

        self._written = yaml_writer.write(value, schema=schema, comment=comment)
        return self._written[0]

    def check(self, document: Document, kind: str) -> Sequence[Finding]:
        """What the schema `kind` says against the document, in the order of its lines."""
        from modelreg.adapters import schema_fits

        if schema_fits.fits(document.value, kind):
            return ()
        from modelreg.adapters import schema  # jsonschema takes 100 ms to import: only where something is wrong

        return schema.check(document, kind)

    def find(self, text: bytes, file: str, keys: Sequence[str]) -> Document | None:
        """The value at `keys` in a user's YAML file, or None; read as leniently as by `splice`."""
        from modelreg.adapters import yaml_splice

        return yaml_splice.find(text, file, keys)

    def splice(self, text: bytes, file: str, keys: Sequence[str], value: Mapping[str, object]) -> bytes:
        """A user's YAML file with exactly `value` at `keys`, every other byte as it was."""
        from modelreg.adapters import yaml_splice

        return yaml_splice.splice(text, file, keys, value)
