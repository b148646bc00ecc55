import math

import pytest

from traingate.host import cgroup


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
