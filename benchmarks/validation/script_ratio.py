"""Compare a plain script with a worker of traingate that trains the same: they take turns."""

from __future__ import annotations

import contextlib
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TextIO, TypeAlias

from traingate.controller.freezing import ProcessTree
from traingate.controller.job import Job
from traingate.controller.training_worker import TrainingWorker
from traingate.controller.warm_up import warm_up
from traingate.layers.recipe import TrainingForm
from traingate.report.progress import NoProgress
from traingate.report.recipe.process import plain_process
from traingate.report.recipe.script import OwnParts, plain_script

WARMUP_STEPS = 5
ROUNDS = 3
TURN_SECONDS = 0.75
LEAST_STEPS = 2

TIMING_IMPORTS = "import os\nimport sys\nimport time\n"

TIMING_START = """
commands = open(os.environ["RATIO_COMMANDS"])
answers = open(os.environ["RATIO_ANSWERS"], "w")
taken, steps = 0, int(commands.readline())
start = time.perf_counter()
"""
"""Statements before the loop of a script: wait for the number of steps of the first turn."""

TIMING_STEP = """
taken += 1
if taken == steps:
    print(time.perf_counter() - start, file=answers, flush=True)
    command = commands.readline()
    if not command:
        sys.exit()
    taken, steps = 0, int(command)
    start = time.perf_counter()
"""
"""Statements after each step: at the end of a turn, tell its time, and wait for the next one."""

Turn: TypeAlias = Callable[[int], float]
"""Function that takes a number of steps, and returns the seconds of all of them together."""


def with_timing(parts: OwnParts) -> OwnParts:
    """Return the own parts of a script with the statements that take turns."""
    return replace(
        parts,
        imports=TIMING_IMPORTS + parts.imports,
        before_loop=parts.before_loop + TIMING_START,
        after_step=parts.after_step + TIMING_STEP,
        epochs="1000",
    )


@contextmanager
def script(job: Job, parts: OwnParts, form: TrainingForm, folder: Path) -> Iterator[Turn]:
    """Write the plain script of a job's stack, start it by its command, and yield its turns.

    Args:
        job: Job of the worker to compare with.
        parts: Own parts of the script.
        form: Parts that the training has.
        folder: Empty folder for the script and its pipes.
    """
    python = job.interpreter.python if job.interpreter else sys.executable
    path = folder / "train.py"
    source = plain_script(job.stack, job.process_request, form=form, parts=with_timing(parts))
    path.write_text(source)
    command = plain_process(job.process_request, python, str(path))
    pipes = {"RATIO_COMMANDS": folder / "commands", "RATIO_ANSWERS": folder / "answers"}
    for pipe in pipes.values():
        os.mkfifo(pipe)
    environment = {
        **os.environ,
        **command.variables,
        **{name: str(pipe) for name, pipe in pipes.items()},
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "kernels"),
    }
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(  # noqa: S603 - the recipe's command
            command.argv,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
        _opened_for_writing(pipes["RATIO_COMMANDS"], process, folder / "log") as commands,
        pipes["RATIO_ANSWERS"].open() as answers,
    ):
        tree = ProcessTree(process.pid)

        def take(steps: int) -> float:
            commands.write(f"{steps}\n")
            commands.flush()
            tree.thaw()
            answer = answers.readline()
            if not answer:
                raise RuntimeError((folder / "log").read_text())
            seconds = float(answer)
            tree.freeze()
            return seconds

        try:
            yield take
        finally:
            tree.thaw()
            with contextlib.suppress(BrokenPipeError):
                commands.close()


def _opened_for_writing(pipe: Path, reader: subprocess.Popen[bytes], log: Path) -> TextIO:
    """Open a named pipe as soon as *reader* has opened it.

    Raises:
        RuntimeError: If *reader* ends before that; its text is what it has printed.
    """
    while True:
        with contextlib.suppress(OSError):  # nobody reads from the pipe yet
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(descriptor, True)
            return os.fdopen(descriptor, "w")
        if reader.poll() is not None:
            raise RuntimeError(log.read_text())
        time.sleep(0.01)


@contextmanager
def worker(job: Job) -> Iterator[Turn]:
    """Start a worker of traingate, and yield its turns."""
    with ExitStack() as exit_stack:
        training = TrainingWorker(job, 1, NoProgress())
        training.start(exit_stack)
        training.request_preparation()
        training.wait_until_prepared()
        warm_up(job, [training], WARMUP_STEPS)
        steps_before = 0

        def take(steps: int) -> float:
            nonlocal steps_before
            taken = training.take_steps(steps, steps_before, steps_before + steps)
            steps_before += steps
            return sum(taken.with_usual_waits(training.data_workers).step_seconds)

        yield take


def log_ratio(job: Job, parts: OwnParts, form: TrainingForm, folder: Path) -> float:
    """Return the median of log(script / worker) of two fresh processes that step A B B A.

    Args:
        job: Job of the worker.
        parts: Own parts of the script.
        form: Parts that the training has.
        folder: Empty folder for the script.
    """
    with script(job, parts, form, folder) as plain, worker(job) as measured:
        plain(WARMUP_STEPS)
        steps = max(LEAST_STEPS, round(TURN_SECONDS / (plain(2) / 2)))
        measured(steps)
        ratios = []
        for _ in range(ROUNDS):
            first_plain, first_measured = plain(steps), measured(steps)
            second_measured, second_plain = measured(steps), plain(steps)
            ratio = first_plain * second_plain / (first_measured * second_measured)
            ratios.append(math.log(ratio) / 2)
    return statistics.median(ratios)
