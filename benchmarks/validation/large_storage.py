"""Measure the time and the memory of a report on 2,000 saved runs of 15 benchmarks.

Run it as ``python benchmarks/validation/large_storage.py``; docs/use/report.md has its output. The
runs are made up, in a temporary folder, with records as large as those of ``benchmarks/``: three
launches of 40 steps each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from simulated_launches import noisy_launches
from traingate.records import Hardware, LayerRecord, Measurement, to_json

RUNS: Final = 2000
TESTS: Final = 15
STEPS: Final = 40
HARDWARE: Final = Hardware(
    cpu="Simulated CPU",
    architecture="x86_64",
    cores=2,
    numa_nodes=1,
    instruction_sets=("avx2", "avx512f"),
    memory_bytes=24 << 30,
)
PACKAGES: Final = {f"package-{number}": "1.0" for number in range(120)}


def record(run: int, test: int) -> Measurement:
    """Return the record of one test in one run; the benchmarks become slower in two places."""
    loss = 0.1 * (run > RUNS / 3) + 0.15 * min(max(run - RUNS / 2, 0) / 100, 1)
    launches = noisy_launches(3, 0.1 / (1 - loss), 0.03, seed=run * TESTS + test, steps=STEPS)
    return Measurement(
        workload="models.py::net",
        stack=(LayerRecord(f"layer_{test}", {}),) if test else (),
        scale="quick",
        batch_size=32,
        launches=tuple(launches),
        samples_per_second=320.0 * (1 - loss),
        samples_per_second_interval=(300.0 * (1 - loss), 340.0 * (1 - loss)),
        flops_per_sample=1e9,
        roofline_flops_per_second=1e11,
        roofline_share=0.5,
        counters={},
        machine=HARDWARE,
        environment={"python": "3.11.7", "torch": f"2.{run // 500}", "packages": PACKAGES},
    )


def write_runs(storage: Path) -> None:
    """Write the runs as pytest-benchmark saves them."""
    for run in range(RUNS):
        benchmarks = [
            {
                "fullname": f"test_speed.py::test_{test}",
                "extra_info": {"traingate": to_json(record(run, test))},
            }
            for test in range(TESTS)
        ]
        day = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1.6e9 + 20000 * run))
        content = {"benchmarks": benchmarks, "datetime": day}
        (storage / f"{run:04}_run.json").write_bytes(msgspec.json.encode(content))


def report(storage: Path, page: Path) -> tuple[float, float]:
    """Return the seconds and the largest memory in GB of one report."""
    start = time.perf_counter()
    command = [sys.executable, "-c", "from traingate.cli import main; main()", "report"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, str(storage), "-o", str(page)], cwd=page.parent
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the report ended with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def main() -> None:
    """Print the time and memory of the first report and of the second one, and the page's size."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        storage, page = Path(folder) / "storage", Path(folder) / "report.html"
        storage.mkdir()
        write_runs(storage)
        size = sum(file.stat().st_size for file in storage.iterdir()) / 1e6
        sys.stdout.write(f"{RUNS} runs of {TESTS} benchmarks, {size:.0f} MB\n")
        for title in ("first report", "second report"):
            seconds, gigabytes = report(storage, page)
            sys.stdout.write(f"{title}: {seconds:.1f} s, {1000 * gigabytes:.0f} MB of memory\n")
        sys.stdout.write(f"page: {page.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
