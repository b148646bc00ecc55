"""The test of its speed."""

from models import net

from traingate.fixtures import TrainingBenchmark


def test_net(training_benchmark: TrainingBenchmark) -> None:
    training_benchmark(net)
