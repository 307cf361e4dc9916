# One entry point for developers: `just`, or read the lines and run them.

python := ".venv/bin/python"

# Make the virtual environment from the lock.
setup:
    python3 -m venv .venv
    {{python}} -m pip install --quiet --require-hashes --requirement requirements.lock
    {{python}} -m pip install --quiet --no-deps --editable .

test *arguments:
    {{python}} -m pytest {{arguments}}

lint:
    {{python}} -m ruff check .
    {{python}} -m ruff format --check .
    {{python}} -m mypy

validate:
    {{python}} -m modelreg validate

# The page of commands, from their own help.
docs:
    {{python}} -m tests.reference > docs/cli.md

bench:
    {{python}} -m benchmarks

# Pin every dependency, with hashes and without index addresses.
lock:
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml --output-file requirements.lock
    # What the workflows install: modelreg without its extras.
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml --constraint requirements.lock --output-file requirements-core.lock
