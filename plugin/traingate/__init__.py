"""traingate: measure how fast PyTorch models train on CPUs, and gate it.

Importing this package loads neither torch nor anything else outside the standard library:
the worker loads it under interpreters that have nothing installed.
"""

from traingate.errors import TraingateError
from traingate.layers.base import BaseLayer, Layer, ProcessRequest, Training
from traingate.workload import TrainingSetup

__all__ = ["BaseLayer", "Layer", "ProcessRequest", "TraingateError", "Training", "TrainingSetup"]
