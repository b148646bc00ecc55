"""Define the layers that traingate ships, one file per family.

The worker imports these files too, under an interpreter that may have nothing but torch installed.
At module level they import nothing but traingate and the standard library; ``apply`` and ``start``
import torch.
"""

from traingate.layers.compiler import CompiledStep, TorchCompile
from traingate.layers.data import BatchSize, DataWorkers, PrefetchingLoader
from traingate.layers.distributed import DataParallel
from traingate.layers.ipex import IpexOptimize
from traingate.layers.memory import GradientCheckpointing, HugePages
from traingate.layers.memory_format import ChannelsLast
from traingate.layers.optimizer import ForeachOptimizer, FusedOptimizer
from traingate.layers.precision import (
    Bf16Autocast,
    Float32Precision,
    FlushDenormal,
    Fp16Autocast,
)
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
    "ForeachOptimizer",
    "Fp16Autocast",
    "FusedOptimizer",
    "GradientCheckpointing",
    "HugePages",
    "IpexOptimize",
    "PrefetchingLoader",
    "TorchCompile",
    "TunedRuntime",
    "XlaDevice",
]
