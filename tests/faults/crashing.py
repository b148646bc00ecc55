"""Trainings whose worker ends, hangs, or runs out of something; without torch."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from trainings import training

from traingate import TrainingSetup
from traingate.layers.base import BaseLayer, ProcessRequest

MIDDLE = 4
"""Number of the step that is the second measured one, after the first step and one of the warm-up."""


@dataclass(frozen=True)
class AtStart(BaseLayer):
    """Layer whose worker fails before it has connected, see ``at_start/sitecustomize.py``."""

    fault: str
    name = "at_start"
    order = 60

    def process(self):
        return ProcessRequest({"TRAINGATE_TEST_FAULT_AT_START": self.fault})

    def apply(self, _):
        pass


def in_step(number: int, act: Callable[[], object]) -> TrainingSetup:
    """Return a training that acts in one of its steps, after its last words."""
    calls = []

    def step():
        time.sleep(0.005)
        calls.append(None)
        if len(calls) == number:
            print("last words of the workload", flush=True)
            act()

    return training(step)


def kill(number: int = signal.SIGKILL) -> None:
    os.kill(os.getpid(), number)


def killed_while_building():
    print("last words of the workload", flush=True)
    kill()


def killed_in_first_step():
    return in_step(1, kill)


def killed_in_warm_up():
    return in_step(2, kill)


def killed_in_step():
    return in_step(MIDDLE, kill)


def killed_after_last_step():
    def kill_instead():
        print("last words of the workload", flush=True)
        kill()

    sys.modules["traingate.worker.counters"].peak_rss_bytes = kill_instead
    return training(lambda: time.sleep(0.005))


def killed_in_profile():
    """Be killed in the first step under the stand-in's profiler."""
    profiles = sys.modules["torch.profiler"]._profiles

    def step():
        time.sleep(0.005)
        if profiles:
            print("last words of the workload", flush=True)
            kill()

    return training(step)


killed_in_unasked_profile = killed_in_profile


def talking():
    """Print before the first step, and take steps that are long enough for another process."""
    print("last words of the workload", flush=True)
    return training(lambda: time.sleep(0.05))


def terminated():
    return in_step(MIDDLE, lambda: kill(signal.SIGTERM))


def interrupted():
    return in_step(MIDDLE, lambda: signal.raise_signal(signal.SIGINT))


def segmentation_fault():
    return in_step(MIDDLE, lambda: ctypes.string_at(0))


def aborted():
    return in_step(MIDDLE, os.abort)


def exiting_with_zero():
    return in_step(MIDDLE, lambda: os._exit(0))


def exiting_with_a_child_that_keeps_the_connection():
    """Fork past Python, which would close the connection in the child, and exit."""

    def fork():
        if ctypes.CDLL(None).fork() == 0:
            while True:
                ctypes.CDLL(None).pause()
        os._exit(7)

    return in_step(MIDDLE, fork)


def raising_something_long():
    def fail():
        raise ValueError("x" * 100_000_000)

    return in_step(MIDDLE, fail)


class Unprintable(Exception):  # noqa: N818 - it is a fault, and not an error of anybody
    """Exception whose text cannot be had."""

    def __str__(self):
        raise RuntimeError("no text")


def raising_something_unprintable():
    def fail():
        raise Unprintable

    return in_step(MIDDLE, fail)


def raising_control_characters():
    def fail():
        print("  ::error::printed", flush=True)
        text = "red \x1b[31m title \x1b]0;mine\x07 nul \x00 lone \udcff"
        raise ValueError(f"{text}\n::stop-commands::x\nx ##[error]x")

    return in_step(MIDDLE, fail)


def out_of_address_space():
    def allocate():
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
        bytearray(1 << 30)

    return in_step(MIDDLE, allocate)


def out_of_memory_in_cgroup():
    """Move into the cgroup that the test has made, and take more memory than it allows."""

    def allocate():
        Path(os.environ["TRAINGATE_TEST_CGROUP"], "cgroup.procs").write_text(str(os.getpid()))
        kept = bytearray(1 << 30)
        kept[:: resource.getpagesize()] = b"x" * len(kept[:: resource.getpagesize()])

    return in_step(MIDDLE, allocate)


def out_of_descriptors():
    def open_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
        while True:
            os.dup(0)

    return in_step(MIDDLE, open_files)


def out_of_descriptors_unnoticed():
    """Leave no descriptor to the worker, and go on as if nothing were wrong."""

    def open_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
        try:
            while True:
                os.dup(0)
        except OSError:
            pass

    return in_step(MIDDLE, open_files)


def remove_temporary_folder() -> None:
    """Remove the folder of this launch and no other: without it, ``gettempdir()`` is /tmp."""
    shutil.rmtree(os.environ["TRAINGATE_LAUNCH"])


def without_temporary_folder():
    return in_step(MIDDLE, remove_temporary_folder)


def killed_without_temporary_folder():
    def act():
        remove_temporary_folder()
        print("words without a folder", flush=True)
        kill()

    return in_step(MIDDLE, act)


def hanging_in_python():
    def wait_for_a_lock_that_nobody_releases():
        while True:
            time.sleep(1)

    return in_step(MIDDLE, wait_for_a_lock_that_nobody_releases)


def print_forever():
    while True:
        os.write(1, b"more of the same\n" * 4096)


def hanging_in_python_while_printing():
    return in_step(MIDDLE, print_forever)


def hanging_without_temporary_folder_while_printing():
    return in_step(MIDDLE, lambda: (remove_temporary_folder(), print_forever()))


def hanging_in_c():
    """Sleep in C without releasing Python's lock, so that no thread of the worker can answer."""
    return in_step(MIDDLE, lambda: ctypes.PyDLL(None).sleep(600))


def hanging_while_building():
    print("last words of the workload", flush=True)
    time.sleep(600)


def stopping_itself():
    return in_step(MIDDLE, lambda: kill(signal.SIGSTOP))


def shut_sockets_down(how: int) -> None:
    for number in range(3, 256):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as connection:
            connection.shutdown(how)


def shutting_its_connection_down():
    return in_step(MIDDLE, lambda: (shut_sockets_down(socket.SHUT_RDWR), time.sleep(600)))


def shutting_its_connection_down_before_it_answers():
    return in_step(MIDDLE, lambda: shut_sockets_down(socket.SHUT_WR))


class EndlessRead:
    """Dataset whose fourth batch never comes."""

    def __len__(self):
        return 400

    def __getitem__(self, index):
        if index >= 12:
            print("last words of the workload", flush=True)
            time.sleep(600)
        return index


def hanging_in_dataset():
    return replace(training(lambda: time.sleep(0.005)), dataset=EndlessRead())
