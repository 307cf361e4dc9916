"""The rules: pure functions over plain data. Standard library and semver only; time, ids and bytes are values."""
