import math

import pytest

from traingate.host import cgroup, memory


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file below ``tmp_path``."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


def test_without_groups_there_is_no_limit(tmp_path):
    nowhere = tmp_path / "none"
    assert cgroup.core_quota(nowhere, nowhere) == math.inf
    assert cgroup.memory_headroom_bytes(nowhere, nowhere) == math.inf


def test_the_tightest_limit_of_a_group_and_its_parents_counts(tmp_path, write):
    own = write("own", "0::/user/run\n")
    write("fs/user/run/cpu.max", "max 100000\n")
    write("fs/user/cpu.max", "150000 100000\n")
    write("fs/cpu.max", "400000 100000\n")
    write("fs/user/run/memory.max", "1000\n")
    write("fs/user/run/memory.current", "100\n")
    write("fs/user/memory.max", "max\n")
    write("fs/user/memory.current", "5000\n")
    write("cpu.max", "1000 100000\n")  # above the mount point
    assert cgroup.core_quota(tmp_path / "fs", own) == 1.5
    assert cgroup.memory_headroom_bytes(tmp_path / "fs", own) == 900


def test_a_container_sees_its_own_limits_at_the_root(tmp_path, write):
    own = write("own", "0::/docker/5ba1\n")
    write("fs/cpu.max", "50000 100000\n")
    assert cgroup.core_quota(tmp_path / "fs", own) == 0.5


def test_version_one_has_a_hierarchy_for_each_controller(tmp_path, write):
    own = write("own", "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/\n0::/\n")
    write("fs/cpu/job/cpu.cfs_quota_us", "300000\n")
    write("fs/cpu/job/cpu.cfs_period_us", "100000\n")
    write("fs/cpu/cpu.cfs_quota_us", "-1\n")
    write("fs/cpu/cpu.cfs_period_us", "100000\n")
    write("fs/memory/job/memory.limit_in_bytes", "4000\n")
    write("fs/memory/job/memory.usage_in_bytes", "1000\n")
    assert cgroup.core_quota(tmp_path / "fs", own) == 3
    assert cgroup.memory_headroom_bytes(tmp_path / "fs", own) == 3000


def test_page_cache_that_can_be_reclaimed_is_not_used_memory(tmp_path, write):
    own = write("own", "0::/run\n")
    write("fs/run/memory.max", "1000\n")
    write("fs/run/memory.current", "900\n")
    write("fs/run/memory.stat", "anon 200\nactive_file 300\ninactive_file 400\nfile_mapped 50\n")
    assert cgroup.memory_headroom_bytes(tmp_path / "fs", own) == 1000 - (900 - 650)


def test_page_cache_of_version_one_includes_the_groups_below(tmp_path, write):
    own = write("own", "4:memory:/job\n")
    write("fs/memory/job/memory.limit_in_bytes", "4000\n")
    write("fs/memory/job/memory.usage_in_bytes", "3000\n")
    stat = "active_file 1\ntotal_active_file 500\ntotal_inactive_file 600\ntotal_mapped_file 100\n"
    write("fs/memory/job/memory.stat", stat)
    assert cgroup.memory_headroom_bytes(tmp_path / "fs", own) == 4000 - (3000 - 1000)


@pytest.mark.parametrize(
    ("membership", "file"),
    [
        ("0::/run\n", "fs/run/memory.events"),
        ("4:memory:/run\n", "fs/memory/run/memory.oom_control"),
    ],
)
def test_kills_for_lack_of_memory_are_counted(tmp_path, write, membership, file):
    own = write("own", membership)
    assert cgroup.oom_kill_counter(tmp_path / "fs", own) == 0
    write(file, "low 0\noom 4\noom_kill 3\n")
    assert cgroup.oom_kill_counter(tmp_path / "fs", own) == 3


def test_kills_on_the_machine_count_too(tmp_path):
    before = memory.oom_kill_counter(tmp_path / "none")
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("pgfault 5\noom_kill 2\n")
    assert memory.oom_kill_counter(vmstat) == before + 2
