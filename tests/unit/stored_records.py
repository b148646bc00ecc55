"""Records of one test and their verdicts, for tests of saved runs and of the lookup in them."""

from sample_records import HARDWARE, measurement
from simulated_launches import launch
from traingate.baselines.index import load_summaries
from traingate.baselines.lookup import Baselines
from traingate.baselines.subject import Subject
from traingate.records import Acceptance, Outcome, Verdict

TEST = "bench.py::test_0"
SUBJECT = Subject(
    workload="bench.py::tiny",
    stack=measurement([launch([0.1])]).stack,
    scale="quick",
    batch_size=32,
)


def record_of(seconds, **changes):
    return measurement([launch([seconds] * 5)], **changes)


COMMIT, OTHER = "a" * 40, "b" * 40
ACCEPTANCE = Acceptance("a new loss", "2026-11-22T10:00:00+00:00")


def find_baseline(storage):
    return Baselines(load_summaries(str(storage.folder), True)).find(SUBJECT, HARDWARE, TEST)


FAILED = Verdict(outcome=Outcome.REGRESSED, failed=True, tolerance_percent=5.0)
OPEN = Verdict(outcome=Outcome.INCONCLUSIVE, tolerance_percent=5.0)
