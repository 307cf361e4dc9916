"""The edges: the only importers of git, DVC, YAML and jsonschema."""
