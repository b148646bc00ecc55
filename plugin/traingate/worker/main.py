"""Run the training worker: ``python main.py DIRECTORY``.

DIRECTORY is the private directory of the controller's ``protocol.channel.Listener``. The messages
are those of ``protocol.messages`` (> from the controller, < from the worker):

    < Hello            the interpreter runs and torch is imported
    > Prepare          < Prepared         import the workload, apply the layers
    > WarmUp           < WarmedUp         one step before measuring; the first compiles
    > Step(count)      < Stepped x count  measured steps; may be repeated
    > Finish           < Finished         counters, memory, imported files, environment
    > CountWork        < WorkCounted      optional, after Finish
    > Profile          < Profiled         optional, after Finish; may be repeated

If the user's code raises, the worker answers Failed and ends. If the controller closes the
connection, the worker ends at once with all processes of its group, even in the middle of a step.
Standard output and error belong to the user and are not part of the protocol.

A launcher may start several workers, the ranks of one process group. Each has its own connection
to the controller, sends its rank in Hello, runs on its own cores, and prints to
``DIRECTORY/log.RANK``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def import_package(directory: Path = _PACKAGE) -> None:
    """Make ``traingate`` importable from its folder, but no other package of the folder around it.

    With the parent folder on ``sys.path``, packages installed there would replace those of this
    interpreter, which may differ from the controller's. The entry that Python adds for the
    folder of this script is removed, because its modules could hide modules of the same name.

    Args:
        directory: Folder of the package.
    """
    script_folder = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != script_folder]
    spec = importlib.util.spec_from_file_location(
        "traingate", directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {directory}")
    package = importlib.util.module_from_spec(spec)
    sys.modules["traingate"] = package
    spec.loader.exec_module(package)


def main(arguments: list[str]) -> None:
    """Serve the controller with one training.

    Args:
        arguments: Arguments of the command line: the private directory of the connection.
    """
    import_package()
    _apply_rank_place(Path(arguments[0]))
    from traingate.worker.serve import serve  # noqa: PLC0415 - needs import_package
    from traingate.worker.training import Trainer  # noqa: PLC0415

    serve(Path(arguments[0]), Trainer)


def _apply_rank_place(directory: Path) -> None:
    """Bind this process to the cores of its rank, and give it a log of its own.

    This must happen before torch starts threads, which inherit the cores.
    """
    from traingate.protocol.ranks import (  # noqa: PLC0415 - needs import_package
        BIND_VARIABLE,
        OWN_LOG_VARIABLE,
        rank_cores,
        rank_place,
    )

    # OMP_PROC_BIND and KMP_AFFINITY exclude each other.
    if BIND_VARIABLE in os.environ and "KMP_AFFINITY" not in os.environ:
        os.environ["OMP_PROC_BIND"] = os.environ[BIND_VARIABLE]
    cores = rank_cores()
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    if OWN_LOG_VARIABLE in os.environ:
        file = directory / f"log.{rank_place().rank}"
        log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())


if __name__ == "__main__":
    main(sys.argv[1:])
elif __name__ == "__mp_main__":  # in a process that multiprocessing has started for the worker
    import_package()
    from traingate.worker.spawned_imports import install

    install()
