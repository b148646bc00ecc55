import pytest

from traingate.comparison.lack_of_memory import failed_for_memory
from traingate.errors import (
    BaselineError,
    WorkerDiedError,
    WorkerKilledError,
    WorkerTimeoutError,
    WorkloadError,
)


@pytest.mark.parametrize(
    ("error", "oom_kills", "expected"),
    [
        (WorkerKilledError("launch 1 was killed by SIGKILL"), 0, True),
        (WorkerDiedError("launch 1 ended"), 1, True),  # a launcher hides the signal
        (WorkerDiedError("launch 1 exited with status 3"), 0, False),
        (WorkloadError("RuntimeError: DataLoader worker is killed by signal: Killed."), 1, True),
        (WorkloadError("RuntimeError: DefaultCPUAllocator: not enough memory"), 0, True),
        (WorkloadError("MemoryError"), 0, True),
        (WorkloadError("ValueError: no such shape"), 0, False),
        (WorkerTimeoutError("launch 1 gave no answer"), 1, False),
        (BaselineError("the base trains batches of 8"), 1, False),
    ],
)
def test_a_side_is_tried_again_only_if_it_lacked_memory(error, oom_kills, expected):
    assert failed_for_memory(error, oom_kills) is expected
