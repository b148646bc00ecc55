import os

import pytest

from traingate.host import cpu


@pytest.fixture
def many_cores(monkeypatch):
    """Let this process run on cores 0 to 7."""
    monkeypatch.setattr(cpu, "available_cores", lambda: frozenset(range(8)))


@pytest.mark.parametrize(
    ("text", "cores"), [("0", {0}), ("0-3,8\n", {0, 1, 2, 3, 8}), ("2,4-5", {2, 4, 5})]
)
def test_a_list_of_cores_is_parsed(text, cores):
    assert cpu.parse_cores(text) == cores


@pytest.mark.parametrize("text", ["", "a-b", "1-", "-1"])
def test_other_text_is_no_list_of_cores(text):
    with pytest.raises(ValueError, match="invalid literal"):
        cpu.parse_cores(text)


def test_physical_cores_are_one_of_each_pair_of_siblings_node_by_node(tmp_path, many_cores):
    nodes, cpus = tmp_path / "node", tmp_path / "cpu"
    for number, cores in enumerate(["0,2,4,6", "1,3,5,7"]):
        (nodes / f"node{number}").mkdir(parents=True)
        (nodes / f"node{number}" / "cpulist").write_text(cores)
    for core in range(8):
        (cpus / f"cpu{core}" / "topology").mkdir(parents=True)
        siblings = f"{core % 4},{core % 4 + 4}"
        (cpus / f"cpu{core}" / "topology" / "thread_siblings_list").write_text(siblings)
    assert cpu.numa_nodes(nodes) == {0: {0, 2, 4, 6}, 1: {1, 3, 5, 7}}
    assert cpu.physical_cores(cpus=cpus, nodes=nodes) == (0, 2, 1, 3)
    assert cpu.physical_cores(1, cpus, nodes) == (1, 3)


def test_a_numa_node_without_cores_is_left_out(tmp_path, many_cores):
    for number, cores in enumerate(["0-7", "\n"]):
        (tmp_path / f"node{number}").mkdir()
        (tmp_path / f"node{number}" / "cpulist").write_text(cores)
    assert list(cpu.numa_nodes(tmp_path)) == [0]


def test_without_numa_nodes_all_cores_are_one_node(tmp_path, many_cores):
    assert cpu.numa_nodes(tmp_path) == {0: frozenset(range(8))}


def test_physical_cores_of_this_machine_are_in_the_affinity_of_the_process():
    assert set(cpu.physical_cores()) <= os.sched_getaffinity(0)


def describe_caches(cpus, sharers_by_core):
    for core, sharers in enumerate(sharers_by_core):
        for index, (level, cores) in enumerate([("1", str(core)), ("3", sharers)]):
            cache = cpus / f"cpu{core}" / "cache" / f"index{index}"
            cache.mkdir(parents=True)
            (cache / "level").write_text(f"{level}\n")
            (cache / "shared_cpu_list").write_text(cores)


def test_cores_are_grouped_by_the_l3_cache_that_they_share(tmp_path, many_cores):
    describe_caches(tmp_path, ["0-3"] * 4 + ["4-7"] * 4)
    assert cpu.cache_groups(range(8), tmp_path) == ((0, 1, 2, 3), (4, 5, 6, 7))
    assert cpu.cache_groups([0, 1, 6], tmp_path) == ((0, 1), (6,))


def test_without_a_description_of_caches_all_cores_are_one_group(tmp_path, many_cores):
    assert cpu.cache_groups(range(4), tmp_path) == ((0, 1, 2, 3),)


def test_logical_cores_have_siblings_side_by_side(tmp_path, many_cores, monkeypatch):
    monkeypatch.setattr(cpu, "numa_nodes", lambda *_: {0: frozenset(range(8))})
    monkeypatch.setattr(cpu, "core_count", lambda: 8)
    for core in range(8):
        (tmp_path / f"cpu{core}" / "topology").mkdir(parents=True)
        siblings = f"{core % 4},{core % 4 + 4}"
        (tmp_path / f"cpu{core}" / "topology" / "thread_siblings_list").write_text(siblings)
    assert cpu.logical_cores(cpus=tmp_path) == (0, 4, 1, 5, 2, 6, 3, 7)


def test_a_core_whose_siblings_are_not_told_is_one_of_its_own(tmp_path, many_cores, monkeypatch):
    monkeypatch.setattr(cpu, "numa_nodes", lambda *_: {0: frozenset({0, 1})})
    monkeypatch.setattr(cpu, "core_count", lambda: 8)
    (tmp_path / "cpu0" / "topology").mkdir(parents=True)
    (tmp_path / "cpu0" / "topology" / "thread_siblings_list").write_text("\n")
    assert cpu.physical_cores(cpus=tmp_path) == (0, 1)
