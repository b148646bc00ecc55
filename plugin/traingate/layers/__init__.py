"""The layers that traingate ships, one file per family.

Standard library only at module level: the worker loads these files under whatever
interpreter it was given, and torch is imported inside ``apply``.
"""

from traingate.layers.compiler import TorchCompile
from traingate.layers.data import BatchSize, DataWorkers
from traingate.layers.memory_format import ChannelsLast
from traingate.layers.precision import Bf16Autocast

__all__ = ["BatchSize", "Bf16Autocast", "ChannelsLast", "DataWorkers", "TorchCompile"]
