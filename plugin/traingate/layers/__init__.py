"""The layers that traingate ships, one file per family.

Standard library only at module level: the worker loads these files under whatever
interpreter it was given, and torch is imported inside ``apply``.
"""

from traingate.layers.compiler import CompiledStep, TorchCompile
from traingate.layers.data import BatchSize, DataWorkers, PrefetchingLoader
from traingate.layers.distributed import DataParallel
from traingate.layers.ipex import IpexOptimize
from traingate.layers.memory_format import ChannelsLast
from traingate.layers.optimizer import FusedOptimizer
from traingate.layers.precision import Bf16Autocast, Float32Precision, FlushDenormal
from traingate.layers.runtime import TunedRuntime
from traingate.layers.xla import XlaDevice

__all__ = [
    "BatchSize",
    "Bf16Autocast",
    "ChannelsLast",
    "CompiledStep",
    "DataParallel",
    "DataWorkers",
    "Float32Precision",
    "FlushDenormal",
    "FusedOptimizer",
    "IpexOptimize",
    "PrefetchingLoader",
    "TorchCompile",
    "TunedRuntime",
    "XlaDevice",
]
