"""The training worker: ``python main.py DIRECTORY``, where DIRECTORY is a ``messages.Listener``.

The contract, in messages of ``traingate.protocol`` (> from the controller, < from here):

    < Hello            the interpreter runs and torch is imported
    > Prepare          < Prepared         import the workload, apply the layers
    > WarmUp           < WarmedUp         one step before measuring; the first compiles
    > Step(count)      < Stepped x count  measured steps; may be repeated
    > Finish           < Finished         peak memory, page faults, counters
    > CountWork       < WorkCounted     optional, after Finish
    > Profile(steps)   < Profiled         optional, after Finish

Where the user's code raises, the answer is Failed, and the worker ends. It ends at once,
with all processes of its group, when the controller closes the connection: also in the
middle of a step. Standard output and error are the user's, and no part of the protocol.

A launcher may start several workers, the ranks of one process group. Each comes to the same
meeting and answers for itself; its Hello says its rank. Each runs on cores of its own. Whatever a
launcher started prints to ``DIRECTORY/log.RANK``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def adopt_package(directory: Path = _PACKAGE) -> None:
    """Make ``traingate`` importable from its own folder, and nothing beside it.

    Putting its parent on ``sys.path`` would let the packages installed there replace those
    of this interpreter, which may be another one than the controller's. Python's own entry
    for this file's folder goes too: ``profile`` in it would hide the standard library's.
    """
    own = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != own]
    spec = importlib.util.spec_from_file_location(
        "traingate", directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {directory}")
    package = importlib.util.module_from_spec(spec)
    sys.modules["traingate"] = package
    spec.loader.exec_module(package)


def main(arguments: list[str]) -> None:
    """Serve one controller with one training."""
    adopt_package()
    _take_place(Path(arguments[0]))
    from traingate.worker.serve import serve  # noqa: PLC0415 - not before adopt_package
    from traingate.worker.training import Trainer  # noqa: PLC0415

    serve(Path(arguments[0]), Trainer)


def _take_place(directory: Path) -> None:
    """Before torch starts any thread: the cores of this rank, and a log of its own."""
    from traingate.protocol.ranks import BIND_VARIABLE, OWN_LOG_VARIABLE, rank_cores, rank_place  # noqa: PLC0415 - see main

    # OMP_PROC_BIND and KMP_AFFINITY exclude each other.
    if BIND_VARIABLE in os.environ and "KMP_AFFINITY" not in os.environ:
        os.environ["OMP_PROC_BIND"] = os.environ[BIND_VARIABLE]
    here, cores = rank_place(), rank_cores()
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    if OWN_LOG_VARIABLE in os.environ:
        log = os.open(directory / f"log.{here.rank}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())


if __name__ == "__main__":
    main(sys.argv[1:])
