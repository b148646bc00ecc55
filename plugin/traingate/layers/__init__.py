"""Define the layers that traingate ships, one file per family.

The worker imports these files too, under an interpreter that may have nothing but torch installed.
So they import the standard library alone at module level, and torch inside ``apply``.
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
