"""Run the yardstick: ``python yardstick.py DIRECTORY``. It measures the speed of the machine.

One unit of its work is an fp32 matrix product (compute) and a stream triad (memory) in numpy. No
change of the training, of torch or of its settings affects them. The process answers each
``messages.Measure`` with one ``messages.Measured``, and ``messages.MeasureBandwidth`` with
``messages.Bandwidth``.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from main import import_package  # type: ignore[import-not-found] # run by path, in its folder

import_package()

import numpy as np  # noqa: E402 - needs import_package

from traingate.host.cpu import available_cores  # noqa: E402
from traingate.host.shared_libraries import loaded_libraries  # noqa: E402
from traingate.protocol import messages  # noqa: E402
from traingate.worker.serve import serve  # noqa: E402

SIZE: Final = 1024
"""Rows and columns of the matrices: large enough for all cores, and quick to multiply."""

TRIAD_BYTES: Final = 32 << 20
"""Bytes of the triad's three arrays together: more than a core's private caches."""

_ALL_CORES: Final = frozenset(available_cores())  # before the main thread is bound to one
"""Numbers of the cores that this process may run on."""

BANDWIDTH_BYTES: Final = 384 << 20
"""Bytes of the three arrays together that measure the bandwidth: more than the caches of most
machines. A virtual machine often reports the whole cache of its host, so its size is not read."""

_BLAS: Final = re.compile(
    r"lib(scipy_)?(openblas|blis|c?blas|flexiblas|[st]atlas|mkl_rt|mkl_core|armpl|nvpl_blas)[\w-]*\."
)
"""Beginnings of the file names of libraries that compute a matrix product."""


class Yardstick:
    """Service of the yardstick. It allocates its arrays once, so that only their use is timed."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self._a = random.random((SIZE, SIZE), dtype=np.float32)
        self._b = random.random((SIZE, SIZE), dtype=np.float32)
        self._product = np.empty_like(self._a)
        elements = TRIAD_BYTES // 3 // 4
        self._x, self._y, self._z = (np.ones(elements, dtype=np.float32) for _ in range(3))
        self._unit()
        self._library = _library()  # only now is every part of the BLAS loaded
        _bind_threads()

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], Iterable[messages.Message]]]:
        """Return the function for each command."""
        return {
            messages.Measure: self._measure,
            messages.MeasureBandwidth: self._measure_bandwidth,
        }

    def _measure(self, message: messages.Measure) -> Iterator[messages.Message]:
        units = [self._unit() for _ in range(message.repeats)]
        gemm, triad = (sum(part) / len(units) for part in zip(*units, strict=True))
        yield messages.Measured(gemm, triad, 2.0 * SIZE**3, self._library)

    def _unit(self) -> tuple[float, float]:
        """Do one unit of work, and return the seconds of the matrix product and of the triad."""
        start = time.perf_counter()
        np.matmul(self._a, self._b, out=self._product)
        gemm_end = time.perf_counter()
        np.multiply(self._y, np.float32(3), out=self._x)
        np.add(self._x, self._z, out=self._x)
        return gemm_end - start, time.perf_counter() - gemm_end

    def _measure_bandwidth(self, _: messages.MeasureBandwidth) -> Iterator[messages.Message]:
        yield messages.Bandwidth(_bandwidth())


def _bandwidth() -> float:
    """Return the bytes per second that a triad of large arrays reads and writes on all cores.

    numpy computes it in one thread. So each core gets a thread, which makes its own part of the
    arrays, in the memory next to it. The fastest of three runs counts, as in STREAM (McCalpin).
    """
    cores = sorted(_ALL_CORES)
    elements = BANDWIDTH_BYTES // 3 // 4 // len(cores)
    barrier = threading.Barrier(len(cores))

    def work(core: int) -> list[tuple[float, float]]:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(threading.get_native_id(), {core})
        x, y, z = (np.ones(elements, dtype=np.float32) for _ in range(3))
        times = []
        for _ in range(3):
            barrier.wait()
            start = time.perf_counter()
            np.multiply(y, np.float32(3), out=x)
            np.add(x, z, out=x)
            times.append((start, time.perf_counter()))
        return times

    with ThreadPoolExecutor(len(cores)) as pool:
        runs = zip(*pool.map(work, cores), strict=True)
        seconds = [max(end for _, end in run) - min(start for start, _ in run) for run in runs]
    # The first operation reads one array and writes one; the second reads two and writes one.
    return float(len(cores) * elements * 4 * 5 / min(seconds))


def _library() -> str:
    """Return numpy's version, the BLAS that it was built with, and the files of the loaded BLAS.

    A build against the interface alone says "blas", and the user chooses the library later. Debian
    gives all of them the same file name, in folders of their own names.
    """
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    paths = [path for path in loaded_libraries() if _BLAS.match(path.name)]
    files = [
        f"{path.parent.name}/{path.name}" if _is_interface(path) else path.name for path in paths
    ]
    parts = ("numpy", np.__version__, blas.get("name"), blas.get("version"), *sorted(files))
    return " ".join(str(part) for part in parts if part)


def _is_interface(path: Path) -> bool:
    """Return whether the name of a library is that of the interface, which many implement."""
    return path.name.startswith(("libblas.", "libcblas."))


def _bind_threads() -> None:
    """Bind each thread of the matrix product to its own core.

    The threads sleep between visits. The kernel often wakes two of them on the same core, and the
    product then takes twice as long until one is moved.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    python_threads = {thread.native_id for thread in threading.enumerate()}
    tasks = {int(task.name) for task in Path("/proc/self/task").iterdir()}
    blas_threads = [threading.get_native_id(), *sorted(tasks - python_threads)]
    for thread, core in zip(blas_threads, cores, strict=False):  # a quota may allow fewer threads
        os.sched_setaffinity(thread, {core})


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Yardstick)
