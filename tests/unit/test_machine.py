import msgspec

from launches import HARDWARE
from traingate import cpu
from traingate.cost import samples_per_dollar
from traingate.layers import Bf16Autocast
from traingate.layers import precision as precision_layer
from traingate.machine import differences, hardware

CPUINFO = """processor : 0
model name : Test CPU
flags : fpu avx2 {flags}

processor : 1
model name : Other CPU
flags : none
"""


def test_this_machine_is_comparable_with_itself():
    assert differences(hardware(), hardware()) == []
    assert hardware().cores >= 1


def test_each_difference_is_said():
    other = msgspec.structs.replace(HARDWARE, cpu="Other", instruction_sets=("avx2", "amx_bf16"))
    assert differences(other, HARDWARE) == [
        "CPU: Other there, Test CPU (6/207/2) here",
        "instruction sets: only there amx_bf16, only here avx512f",
    ]


def test_cores_are_cut_by_the_cgroup_quota(tmp_path):
    affinity = len(cpu.available_cores())
    quota = tmp_path / "cpu.max"
    quota.write_text("50000 100000\n")
    assert cpu.core_count(quota) == 1
    quota.write_text("max 100000\n")
    assert cpu.core_count(quota) == affinity
    assert cpu.core_count(tmp_path / "absent") == affinity


def test_bf16_is_called_emulated_only_where_it_is(tmp_path, monkeypatch):
    for flags, emulated in (("avx512f", True), ("avx512_bf16", False), ("amx_bf16", False)):
        path = tmp_path / "cpuinfo"
        path.write_text(CPUINFO.format(flags=flags))
        sets = cpu.instruction_sets(path)
        assert flags in sets
        monkeypatch.setattr(precision_layer, "instruction_sets", lambda sets=sets: sets)
        assert bool(Bf16Autocast().caution()) is emulated


def test_the_articles_price():
    assert samples_per_dollar(9.12, 0.357) == 9.12 * 3600 / 0.357
    assert round(samples_per_dollar(9.12, 0.357) / 1000, 2) == 91.97
