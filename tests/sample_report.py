"""Results and records as a real project has them, for tests of the HTML report."""

from __future__ import annotations

import math
import random

import msgspec

from sample_records import measurement
from traingate.records import (
    Counts,
    Duet,
    Launch,
    LayerRecord,
    Measurement,
    Outcome,
    Pair,
    Published,
    Verdict,
)
from traingate.records.explanation import Explanation, PartChange, PhaseChange
from traingate.records.profile import Cell, Profile
from traingate.records.results import SuiteResults
from traingate.records.verdict import Cause, Method
from traingate.report.results import measured_result, refused_result, suite_results

PHASES = {"data": 0.02, "transfer": 0.01, "forward": 0.34, "backward": 0.52, "optimizer": 0.08}
ENVIRONMENT = {
    "python": "3.11.7",
    "torch": "2.15.0+cpu",
    "threads": 2,
    "allocator": "glibc malloc",
    "packages": {"torch": "2.15.0", "numpy": "2.3.1", "torchvision": "0.30.0"},
    "variables": {"OMP_NUM_THREADS": "2", "KMP_BLOCKTIME": "1"},
}
COMMAND = "pytest --traingate-against main"
TOLERANCE = 5.0


def layers(**options):
    """Return a stack; each layer has one option of its own name, or none if the value is None."""
    names = {"batch_size": "samples", "data_workers": "count", "torch_compile": "backend"}
    return tuple(
        LayerRecord(name, {} if value is None else {names.get(name, "scope"): value})
        for name, value in options.items()
    )


def launch_of(seconds, steps, rng):
    times = [seconds * math.exp(rng.gauss(0, 0.04)) for _ in range(steps)]
    if steps > 10:
        times[7] *= 1.6
    rounds = (5,) * (steps // 5)
    visits = tuple(0.075 * math.exp(rng.gauss(0, 0.03)) for _ in range(len(rounds) + 1))
    return Launch(
        step_seconds=tuple(times),
        data_seconds=tuple(0.02 * each for each in times),
        phase_seconds={
            name: tuple(share * each for each in times) for name, share in PHASES.items()
        },
        steps_per_round=rounds,
        gemm_seconds=tuple(0.7 * visit for visit in visits),
        triad_seconds=tuple(0.3 * visit for visit in visits),
        yardstick_seconds=visits,
        first_step_seconds=3.4 * seconds,
        setup_seconds=4.2,
        peak_rss_bytes=int(2.1 * 2**30),
        minor_page_faults_per_step=12.0,
        counters={"threads": 2},
        epoch_starts=(12,) if steps > 12 else (),
    )


def record_of(rate, stack=(), batch=8, *, seed=0, launches=3, steps=20, **changes) -> Measurement:
    """Return the record of a test that trains *rate* samples per second."""
    rng = random.Random(seed)
    seconds = batch / rate
    levels = [seconds * math.exp(rng.gauss(0, 0.015)) for _ in range(launches)]
    fields = {
        "workload": "benchmarks/workloads/resnet.py::resnet",
        "stack": stack,
        "batch_size": batch,
        "samples_per_second": rate,
        "samples_per_second_interval": (0.965 * rate, 1.035 * rate),
        "step_seconds_quantiles": {"0.5": seconds, "0.9": 1.1 * seconds, "1": 1.7 * seconds},
        "roofline_share": min(0.95, 0.06 * rate),
        "bound": "compute" if rate < 8 else "memory",
        "samples_per_dollar": 3600 * rate / 0.2,
        "flops_per_sample": 2.45e10,
        "environment": ENVIRONMENT,
        "yardstick": "numpy 2.3.1, OpenBLAS 0.3.29",
        "counters": {"threads": 2},
    }
    return measurement([launch_of(level, steps, rng) for level in levels], **(fields | changes))


def verdict_of(outcome, slowdown, width=0.9, **changes) -> Verdict:
    fields = {
        "outcome": outcome,
        "tolerance_percent": TOLERANCE,
        "method": Method.LAUNCHES,
        "slowdown_percent": slowdown,
        "slowdown_percent_interval": (slowdown - width, slowdown + width),
        "missable_slowdown_percent": abs(slowdown) + 2 * width,
        "samples_per_second": 478.1,
        "baseline_samples_per_second": 589.1,
        "baseline": "commit c23cd6be0 (main), Python 3.11.7, torch 2.15.0",
        "launches": 5,
        "baseline_launches": 5,
        "compared_steps": 40,
    }
    return Verdict(**(fields | changes))


def explanation() -> Explanation:
    return Explanation(
        sentence="aten::copy_ is new, 8 calls per step in blocks.* (Block) (forward): +4.74 ms per "
        "step, 76 % of the slowdown",
        change=0.006274,
        change_interval=(0.0058, 0.0067),
        causes=(
            PartChange(title="aten::copy_ is new in blocks.* (Block) (forward)", base_calls=0, calls=8,
                       base_seconds=0, seconds=0.004741, share=0.76, share_interval=(0.71, 0.81)),
            PartChange(title="aten::convolution_backward is slower per call", calls=4, base_calls=4,
                       base_seconds=0.0056, seconds=0.00691, share=0.21, share_interval=(0.2, 0.22)),
        ),
        unexplained_seconds=0.000222,
        phases=(
            PhaseChange(phase="forward", base_seconds=0.009225, seconds=0.0148, change_interval=(0.00549, 0.00567)),
            PhaseChange(phase="backward", base_seconds=0.0159, seconds=0.01649, change_interval=(0.0002, 0.00097)),
        ),
        operators=(
            PartChange(title="aten::copy_", operator="aten::copy_", base_calls=0, calls=8, base_seconds=0,
                       seconds=0.004741, share=0.76),
        ),
        modules=(
            PartChange(title="blocks.0 (Block)", module="blocks.0", base_seconds=0.006, seconds=0.0085, share=0.4),
        ),
        facts=("peak memory of tensors in backward: 48.8 to 60.8 MiB",),
    )  # fmt: skip


def profile_of(copies=0.0) -> Profile:
    cells = [
        Cell("data", "", "Python", "", 1, 0.0009),
        Cell("optimizer", "", "aten::_foreach_add_", "", 4, 0.0016),
    ]
    for block in ("blocks.0", "blocks.1", "blocks.2", "blocks.3"):
        cells.append(Cell("forward", f"{block}.conv1", "aten::mkldnn_convolution", "", 1, 0.0011))
        cells.append(Cell("forward", f"{block}.conv2", "aten::mkldnn_convolution", "", 1, 0.0012))
        cells.append(
            Cell("backward", f"{block}.conv1", "aten::convolution_backward", "", 1, 0.0019)
        )
        cells.append(
            Cell("backward", f"{block}.conv2", "aten::convolution_backward", "", 1, 0.0021)
        )
        if copies:
            cells.append(Cell("forward", block, "aten::copy_", "", 2, copies))
    seconds = sum(cell.seconds for cell in cells)
    return Profile(steps=3, step_seconds=seconds, cells=tuple(cells))


def duet_of(log_ratios=(0.206, 0.212, 0.199, 0.221, 0.209), seconds=0.0272) -> Duet:
    rng = random.Random(5)
    pairs = []
    for ratio in log_ratios:
        base = tuple(seconds * math.exp(rng.gauss(0, 0.03)) for _ in range(30))
        candidate = tuple(seconds * math.exp(ratio + rng.gauss(0, 0.03)) for _ in range(30))
        shares = {**PHASES, "forward": 0.42, "backward": 0.44}
        pairs.append(
            Pair(
                candidate_step_seconds=candidate,
                base_step_seconds=base,
                steps_per_turn=5,
                log_ratio=ratio,
                candidate_phase_seconds={
                    n: tuple(s * each for each in candidate) for n, s in shares.items()
                },
                base_phase_seconds={n: tuple(s * each for each in base) for n, s in PHASES.items()},
            )
        )
    counts = Counts(counters={"threads": 2})
    changed = {**ENVIRONMENT, "packages": {**ENVIRONMENT["packages"], "numpy": "2.3.2"}}
    return Duet(
        base="commit c23cd6be0 (main)",
        pairs=tuple(pairs),
        candidate_environment=changed,
        base_environment=ENVIRONMENT,
        candidate_counts=counts,
        base_counts=counts,
    )


def regression() -> Measurement:
    verdict = verdict_of(
        Outcome.REGRESSED, 18.8, 1.5, failed=True, method=Method.STEPS, cause=Cause.CODE,
        explanation=explanation(), evidence=("operators per step: 142 before, 166 now (+16.9 %)",),
    )  # fmt: skip
    return record_of(
        478.1, batch=16, seed=1, launches=3, workload="test_speed.py::net", verdict=verdict,
        duet=duet_of(), profile=profile_of(0.0006), samples_per_dollar=None,
        counters={"threads": 2, "dynamo_graph_breaks": 1},
        reasons={"dynamo_graph_breaks": ("models.py:12: data-dependent branch",)},
    )  # fmt: skip


def records() -> dict[str, Measurement]:
    """Return the records of a session: a regression, a gain, a sweep, and the article's ladder."""
    bf16 = {"batch_size": 4, "bf16_autocast": None}
    steps = [
        ("plain", 3.41, {}, ((9.12, "c7i.2xlarge", False), (340, "g5.2xlarge GPU", False))),
        ("batch_size[4]", 3.92, {"batch_size": 4}, ((13.09, "c7i.2xlarge", True),)),
        ("bf16_autocast[4]", 7.43, bf16, ((24.34, "c7i.2xlarge", False),)),
        ("channels_last[4]", 9.61, {**bf16, "channels_last": "input"}, ((37.93, "c7i.2xlarge", False),)),
        ("tuned_runtime[4]", 10.72, {**bf16, "channels_last": "input", "tuned_runtime": None}, ((39.05, "c7i.2xlarge", False),)),
    ]  # fmt: skip
    result = {"test_speed.py::test_net": regression()}
    for number, (name, rate, stack, published) in enumerate(steps):
        figures = tuple(
            Published(
                value,
                "Chaim Rand, Training AI Models on CPU, September 2024",
                derived,
                machine,
                0.357,
            )
            for value, machine, derived in published
        )
        result[f"benchmarks/test_ladder.py::test_{name}"] = record_of(
            rate, layers(**stack), 4 if stack else 8, seed=number, published=figures,
            verdict=verdict_of(Outcome.PASSED, [0.4, -0.8, 1.3, -0.2, 0.6][number], 1.4),
        )  # fmt: skip
    last = "benchmarks/test_ladder.py::test_tuned_runtime[4]"
    result[last] = msgspec.structs.replace(
        result[last], verdict=verdict_of(Outcome.IMPROVED, -11.2, 1.6)
    )
    result["benchmarks/test_ladder.py::test_ipex_optimize[4]"] = record_of(
        9.9, layers(**bf16, ipex_optimize=None), 4, seed=9, environment_name="torch28",
        environment={**ENVIRONMENT, "torch": "2.8.0+cpu"}, torch_today="2.15.0+cpu",
        verdict=verdict_of(Outcome.INCONCLUSIVE, 5.9, 4.4),
    )  # fmt: skip
    for batch, rate in ((8, 1210), (16, 2180), (32, 3520), (64, 4630), (128, 4890)):
        for extra in ({}, {"torch_compile": "inductor"}):
            stack = layers(batch_size=batch, **extra)
            name = f"test_sweep.py::test_mlp[{batch}{'-inductor' if extra else ''}]"
            faster = 1.0 + 0.22 * bool(extra)
            result[name] = record_of(
                rate * faster, stack, batch, seed=batch, launches=2, steps=400,
                workload="test_sweep.py::mlp", samples_per_dollar=None,
            )  # fmt: skip
    return result


def results_of(measurements, *, refused=True) -> SuiteResults:
    tests = [measured_result(test, record, COMMAND) for test, record in measurements.items()]
    if refused:
        tests.append(
            refused_result(
                "test_speed.py::test_new", "nothing is stored for this test\nSave a run."
            )
        )
    return suite_results(
        tests,
        problems=("test_speed.py::test_old has a baseline and is gone",),
        counts={
            "compared": 7,
            "passed": 4,
            "regressed": 1,
            "open": 1,
            "new": 1,
            "gone": 1,
            "skipped": 0,
        },
        machine="Test CPU (6/207/2), 2 cores",
    )
