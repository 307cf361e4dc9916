"""Measuring a model: latency and throughput of its predictions, and the memory that a process needs to serve it.

Each batch size is measured in a fresh Python process that loads the saved artifact and predicts on rows of the input
example, repeated to the size of the batch. Latency is the time around `predict` (or a session's `run`) alone, by
`time.perf_counter_ns`, after calls that warm up. Peak memory is the most physical memory that process held from its
start, interpreter and libraries included: VmHWM of /proc/self/status on Linux (where `ru_maxrss` would start from the
memory of the process that forked it), `ru_maxrss` elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from modelreg.domain.benchmark import Measurement, figures
from modelreg.errors import DeniedError, InvalidError, ModelregError, UnavailableError

TIMEOUT_S = 900
"""Of one process: whoever has slower models asks for fewer calls."""

_ERRORS: dict[str, type[ModelregError]] = {error.code: error for error in (DeniedError, InvalidError, UnavailableError)}
_CHILD = "from modelreg.integrations.benchmark import child; child()"


def measure(
    model: tuple[Path, str],
    example: tuple[Path, str],
    inputs: Sequence[Mapping[str, Any]] | None,
    plan: Measurement,
    *,
    own: bool = False,
) -> list[dict[str, Any]]:
    """The manifest's `benchmarks` for a model and an example, each a path and its format.

    `inputs` are those of the signature. skops (its usual types only) and ONNX can be measured; `own` says that the
    caller made the model in this very process: then any type, pickle and joblib. Raises DeniedError for what cannot be
    loaded safely, InvalidError where the model does not take the example, UnavailableError without the extra or where
    it takes too long.
    """
    request = {
        "model": [str(model[0].absolute()), model[1]],
        "example": [str(example[0].absolute()), example[1]],
        "inputs": None if inputs is None else list(inputs),
        "own": own,
        "calls": plan.calls,
        "warm_up": plan.warm_up,
    }
    machine = hardware()
    found = []
    for size in plan.batch_sizes:
        result = _in_a_fresh_process(request | {"batch_size": size})
        found.append(figures(result["durations_ns"], size, result["peak_memory_bytes"], machine))
    return found


def hardware() -> str:
    """This machine in words: processor, number of CPUs, memory."""
    name = platform.processor() or platform.machine()
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        pass
    words = [f"{name} ({platform.machine()})", f"{os.cpu_count()} CPUs"]
    with contextlib.suppress(ValueError, OSError):
        words.append(f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB")
    return ", ".join(words)


def child() -> None:
    """The measuring process: argv holds the file with the request, and the one for the result."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        result = _measured(request)
    except ModelregError as error:
        result = error.to_mapping()
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


def _in_a_fresh_process(request: Mapping[str, Any]) -> dict[str, Any]:
    with TemporaryDirectory(prefix="modelreg-") as folder:
        asked, told = Path(folder) / "request.json", Path(folder) / "result.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        # The modules that this process finds; -P: and none that happens to lie in the working folder.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", _CHILD, str(asked), str(told)],
                env=os.environ | {"PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnavailableError(
                f"the benchmark took longer than {TIMEOUT_S} s", hint="ask for fewer calls or smaller batches"
            ) from None
        if not told.exists():
            last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise UnavailableError(
                f"the measuring process ended with code {done.returncode}: {ascii(last[:200])[1:-1]}"
            )
        result: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    if "error" in result:
        error = result["error"]
        raise _ERRORS.get(error["code"], UnavailableError)(error["message"], hint=error["hint"], file=error["file"])
    return result


def _measured(request: Mapping[str, Any]) -> dict[str, Any]:
    from modelreg.integrations import examples

    (model, kind), (example, example_kind) = request["model"], request["example"]
    arrays = examples.read(Path(example), example_kind, request["inputs"])
    make = _session if kind == "onnx" else _estimator
    call = make(Path(model), kind, arrays, request["batch_size"], request["own"])
    durations = []
    try:
        for number in range(request["warm_up"] + request["calls"]):
            begin = time.perf_counter_ns()
            call()
            if number >= request["warm_up"]:
                durations.append(time.perf_counter_ns() - begin)
    except Exception as error:  # whatever a framework raises says that it does not take these rows
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidError(f"the model does not predict on the example: {ascii(first[:200])[1:-1]}") from error
    return {"durations_ns": durations, "peak_memory_bytes": _peak_memory_bytes()}


def _session(path: Path, kind: str, arrays: Mapping[str, Any], size: int, own: bool) -> Callable[[], Any]:
    from modelreg.integrations import formats, onnx

    del own  # ONNX is safe to load, whoever made it
    session = formats.load(path, kind)
    wanted = session.get_inputs()
    if len(wanted) == 1 and wanted[0].name not in arrays:
        arrays = {wanted[0].name: _matrix(arrays)}
    feed = {}
    for entry in wanted:
        array = arrays.get(entry.name)
        if array is None:
            raise InvalidError(f"the example has no input {entry.name[:80]!a}")
        if array.ndim == 1 and len(entry.shape) == 2:
            array = array.reshape(-1, 1)
        if entry.shape and isinstance(entry.shape[0], int) and entry.shape[0] != size:
            raise InvalidError(
                f"the model takes batches of {entry.shape[0]}, not of {size}",
                hint="ask for the batch sizes that it takes",
            )
        feed[entry.name] = _repeated(array, size).astype(onnx.numpy_type(entry.type))
    return lambda: session.run(None, feed)


def _estimator(path: Path, kind: str, arrays: Mapping[str, Any], size: int, own: bool) -> Callable[[], Any]:
    from modelreg.integrations import sklearn

    if kind not in ("skops", "pickle", "joblib"):
        raise DeniedError(f"{kind} cannot be measured", hint="skops and onnx can; or: modelreg evidence add --file")
    trusted = sklearn.types_of(path) if own and kind == "skops" else ()
    estimator = sklearn.load(path, kind, trusted=trusted, allow_pickle=own)  # type: ignore[arg-type]
    batch = _rows(estimator, {name: _repeated(array, size) for name, array in arrays.items()})
    return lambda: estimator.predict(batch)


def _rows(estimator: Any, arrays: Mapping[str, Any]) -> Any:
    """The example as the estimator was fitted: a frame where it knows names, else an array."""
    named = getattr(estimator, "feature_names_in_", None) is not None
    if named or (len(arrays) > 1 and any(array.dtype == object for array in arrays.values())):
        import pandas as pd

        return pd.DataFrame(dict(arrays))
    return _matrix(arrays)


def _matrix(arrays: Mapping[str, Any]) -> Any:
    """The only array, or the columns as one. Raises InvalidError where they are no columns."""
    import numpy as np

    if len(arrays) == 1:
        return next(iter(arrays.values()))
    if any(array.ndim != 1 for array in arrays.values()):
        raise InvalidError("the example has several tensors, and the model one input")
    return np.stack(list(arrays.values()), axis=1)


def _repeated(array: Any, size: int) -> Any:
    import numpy as np

    return array[np.arange(size) % len(array)]


def _peak_memory_bytes() -> int | None:
    try:
        with Path("/proc/self/status").open(encoding="ascii", errors="replace") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), None)
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
