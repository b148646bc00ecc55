"""Public API of pytest-traingate, which measures how fast PyTorch models train on CPUs.

``TrainingSetup`` describes a training to be measured, and a whole step of its own
gets a ``StepContext``. ``BaseLayer``, ``ProcessRequest`` and ``Training`` are for layers of your
own, which may instead implement the protocol ``Layer``. ``TraingateError`` is the base class of all
errors.

Importing this package imports nothing outside the standard library, torch included: the worker
imports it under interpreters that may lack the dependencies of pytest-traingate.

The next line keeps pytest from warning that commands have imported the package before it could
rewrite its assertions, which would be an error under ``-W error``.

PYTEST_DONT_REWRITE
"""

from traingate.errors import TraingateError
from traingate.layers.base import BaseLayer, Layer, ProcessRequest
from traingate.layers.step_context import StepContext
from traingate.layers.training import Training
from traingate.training_setup import TrainingSetup

__all__ = [
    "BaseLayer",
    "Layer",
    "ProcessRequest",
    "StepContext",
    "TraingateError",
    "Training",
    "TrainingSetup",
]
