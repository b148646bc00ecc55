"""A stand-in for torch: as much of it as a worker needs to take steps that compute nothing."""

from torch import backends, nn

__all__ = ["backends", "nn"]
__version__ = "0.0.0"


class Tensor:
    """A loss without gradients."""

    def backward(self):
        """Compute nothing."""


def manual_seed(seed):
    """Seed nothing."""


def get_num_threads():
    """Return 1: there is no pool of threads."""
    return 1
