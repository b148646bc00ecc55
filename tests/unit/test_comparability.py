import math

import msgspec
import pytest

from sample_records import HARDWARE
from traingate.baselines.comparability import (
    environment_changes,
    hardware_differences,
)
from traingate.controller.environment import merged_environment
from traingate.errors import WorkerError
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


ENVIRONMENT = {
    "python": "3.11.7",
    "torch": "2.8.0+cpu",
    "numpy": "2.0.0",
    "kernel": "6.1.0",
    "transparent_huge_pages": "madvise",
    "variables": {"OMP_NUM_THREADS": "2"},
    "packages": {"helper": "1.0", "numpy": "2.0.0", "torch": "2.8.0"},
    "package_sources": {},
    "other_packages": {"idle": "1.0", "pillow": "11.0"},
}


def changed(**changes):
    """Return the lines about an environment that differs from ENVIRONMENT in these keys."""
    return environment_changes(ENVIRONMENT, {**ENVIRONMENT, **changes})


def with_source(**source):
    return {**ENVIRONMENT, "package_sources": {"helper": source}}


def test_another_version_of_an_imported_package_is_a_change():
    packages = {**ENVIRONMENT["packages"], "helper": "2.0"}
    assert changed(packages=packages) == ["helper: 1.0 there, 2.0 here"]


def test_a_package_with_a_key_of_its_own_is_listed_once():
    packages = {**ENVIRONMENT["packages"], "torch": "2.9.0", "numpy": "2.1.0"}
    assert changed(packages=packages, torch="2.9.0+cpu", numpy="2.1.0") == [
        "numpy: 2.0.0 there, 2.1.0 here",
        "torch: 2.8.0+cpu there, 2.9.0+cpu here",
    ]


def test_another_version_of_a_package_that_is_only_installed_is_no_change():
    assert changed(other_packages={"idle": "2.0", "pillow": "12.0"}) == []
    stored = {**ENVIRONMENT, "torchvision": "0.23"}
    assert environment_changes(stored, {**stored, "torchvision": "0.24"}) == []


@pytest.mark.parametrize(
    ("installed", "lines"),
    [
        ({"pillow": "11.0"}, []),  # the code imports it now, and there it could have
        ({"pillow": "10.0"}, ["pillow: 10.0 there, 11.0 here"]),
        ({}, ["pillow: not installed there, 11.0 here"]),
    ],
)
def test_a_package_that_one_side_imports_is_a_change_unless_the_other_has_the_same(
    installed, lines
):
    there = {**ENVIRONMENT, "other_packages": installed}
    here = {**ENVIRONMENT, "packages": {**ENVIRONMENT["packages"], "pillow": "11.0"}}
    assert environment_changes(there, here) == lines
    assert len(environment_changes(here, there)) == len(lines)


def test_another_content_of_the_same_version_is_a_change():
    there = with_source(**{"from": "editable /src/helper", "digest": "ab12"})
    here = with_source(**{"from": "editable /src/helper", "digest": "cd34"})
    assert environment_changes(there, here) == [
        "helper 1.0 from editable /src/helper: content ab12 there, cd34 here"
    ]
    assert len(environment_changes(ENVIRONMENT, here)) == 1


def test_the_same_content_in_another_folder_is_no_change():
    there = with_source(**{"from": "editable /home/a/helper", "digest": "ab12"})
    here = with_source(**{"from": "editable /home/b/helper", "digest": "ab12"})
    assert environment_changes(there, here) == []


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("kernel", "kernel: 6.1.0 there, new here"),
        ("transparent_huge_pages", "transparent huge pages: madvise there, new here"),
    ],
)
def test_another_kernel_or_setting_of_it_is_a_change(key, line):
    assert changed(**{key: "new"}) == [line]


def test_a_new_kind_of_variable_is_a_change():
    variables = {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default"}
    assert changed(variables=variables) == ["ATEN_CPU_CAPABILITY: unset there, default here"]


def test_preloads_are_compared_by_name_and_not_by_path():
    there = {"variables": {"LD_PRELOAD": "/usr/lib/libtcmalloc.so.4"}}
    assert environment_changes(there, {"variables": {"LD_PRELOAD": "libtcmalloc.so.4"}}) == []
    (line,) = environment_changes(there, {"variables": {"LD_PRELOAD": "/usr/lib/libjemalloc.so.2"}})
    assert line == "LD_PRELOAD: libtcmalloc.so.4 there, libjemalloc.so.2 here"


def test_nothing_is_said_about_facts_that_an_older_record_lacks():
    older = {
        "python": "3.11.7",
        "torch": "2.8.0+cpu",
        "numpy": "2.0.0",
        "variables": {"OMP_NUM_THREADS": "2"},
    }
    newer = {**ENVIRONMENT, "variables": {"OMP_NUM_THREADS": "2", "PYTHONMALLOC": "malloc"}}
    assert environment_changes(older, newer) == []
    assert environment_changes(newer, older) == []
    assert environment_changes(older, {**newer, "numpy": "2.1.0"}) == [
        "numpy: 2.0.0 there, 2.1.0 here"
    ]


def test_the_packages_of_all_launches_are_listed():
    first = {**ENVIRONMENT, "packages": {"helper": "1.0", "compiler": "3.0"}}
    later = {
        **ENVIRONMENT,
        "packages": {"helper": "1.0"},
        "other_packages": {"compiler": "3.0", "idle": "1.0"},
    }
    merged = merged_environment(merged_environment({}, first), later)
    assert merged["packages"] == {"compiler": "3.0", "helper": "1.0"}
    assert merged["other_packages"] == {"idle": "1.0", "pillow": "11.0"}


def test_a_package_that_changes_between_launches_is_an_error():
    later = {**ENVIRONMENT, "packages": {"helper": "2.0"}}
    with pytest.raises(WorkerError, match=r"helper: 1\.0 there, 2\.0 here"):
        merged_environment(ENVIRONMENT, later)


ARM_CORE = """processor : {number}
BogoMIPS : 50.00
Features : fp asimd sve
CPU implementer : 0x41
CPU architecture: 8
CPU variant : 0x1
CPU part : {part}
CPU revision : 1

"""


def test_arm_cpus_are_told_apart_by_implementer_and_part(tmp_path):
    names = {}
    for part in ("0xd0c", "0xd40", "0xfff"):
        path = tmp_path / part
        path.write_text("".join(ARM_CORE.format(number=n, part=part) for n in range(2)))
        names[part] = cpu.model_name(path)
    assert names == {
        "0xd0c": "ARM (Neoverse N1 0x41/0xd0c/0x1/1)",
        "0xd40": "ARM (Neoverse V1 0x41/0xd40/0x1/1)",
        "0xfff": "ARM (0x41/0xfff/0x1/1)",
    }


def test_each_kind_of_core_of_an_arm_cpu_is_named(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(
        ARM_CORE.format(number=0, part="0xd05") + ARM_CORE.format(number=1, part="0xd0b")
    )
    assert cpu.model_name(path) == "ARM (0x41/0xd05/0x1/1 + 0x41/0xd0b/0x1/1)"


def test_an_arm_cpu_of_an_older_record_without_its_part_is_not_another_machine():
    older = msgspec.structs.replace(HARDWARE, cpu="aarch64", architecture="aarch64")
    newer = msgspec.structs.replace(older, cpu="ARM (Neoverse V1 0x41/0xd40/0x1/1)")
    other = msgspec.structs.replace(older, cpu="ARM (Neoverse N1 0x41/0xd0c/0x1/1)")
    assert hardware_differences(older, newer) == []
    assert len(hardware_differences(newer, other)) == 1
