import math

import msgspec
import pytest

from sample_records import HARDWARE
from traingate.baselines.comparability import hardware_differences
from traingate.host import cpu
from traingate.host.hardware import hardware
from traingate.layers import Bf16Autocast
from traingate.layers import precision as precision_layer
from traingate.records.units import samples_per_dollar

CPUINFO = """processor : 0
model name : Test CPU
flags : fpu avx2 {flags}

processor : 1
model name : Other CPU
flags : none
"""


def test_this_machine_is_comparable_with_itself():
    assert hardware_differences(hardware(), hardware()) == []
    assert hardware().cores >= 1


def test_each_difference_is_named():
    other = msgspec.structs.replace(HARDWARE, cpu="Other", instruction_sets=("avx2", "amx_bf16"))
    assert hardware_differences(other, HARDWARE) == [
        "CPU: Other there, Test CPU (6/207/2) here",
        "instruction sets: only there amx_bf16, only here avx512f",
    ]


@pytest.mark.parametrize(("quota", "cores"), [(0.5, 1), (1.5, 2), (64.0, 8), (math.inf, 8)])
def test_the_number_of_cores_is_limited_by_the_cgroup_quota(monkeypatch, quota, cores):
    monkeypatch.setattr(cpu, "available_cores", lambda: frozenset(range(8)))
    monkeypatch.setattr(cpu, "core_quota", lambda: quota)
    assert cpu.core_count() == cores


def test_the_features_of_an_arm_cpu_are_its_instruction_sets(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor: 0\nFeatures: fp asimd sve bf16\n")
    assert cpu.instruction_sets(tmp_path / "cpuinfo") == {"fp", "asimd", "sve", "bf16"}


def test_bf16_is_reported_as_emulated_only_on_a_cpu_without_it(tmp_path, monkeypatch):
    for flags, emulated in (("avx512f", True), ("avx512_bf16", False), ("amx_bf16", False)):
        path = tmp_path / "cpuinfo"
        path.write_text(CPUINFO.format(flags=flags))
        sets = cpu.instruction_sets(path)
        assert flags in sets
        monkeypatch.setattr(precision_layer, "instruction_sets", lambda sets=sets: sets)
        assert bool(Bf16Autocast().caution()) is emulated


def test_samples_per_dollar_agree_with_the_article():
    assert samples_per_dollar(9.12, 0.357) == 9.12 * 3600 / 0.357
    assert round(samples_per_dollar(9.12, 0.357) / 1000, 2) == 91.97
