import os
import subprocess
import sys
from pathlib import Path

import pytest

from traingate.controller import launchers
from traingate.controller.command import training_command
from traingate.controller.steadying import steadying
from traingate.errors import ConfigurationError, LayerConflictError
from traingate.layers import BatchSize, DataParallel, TunedRuntime
from traingate.layers.stack import Stack
from traingate.protocol import ranks
from traingate.protocol.ranks import RankPlace, rank_cores, rank_place

CACHE = Path("cache")


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch):
    """Let the process have cores 0 to 3, and no variable that steers them."""
    for variable in ("OMP_PROC_BIND", "OMP_NUM_THREADS", "LD_PRELOAD", "GLOO_SOCKET_IFNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(launchers, "physical_cores", lambda: (0, 1, 2, 3))
    monkeypatch.setattr(launchers, "available_cores", lambda: frozenset(range(4)))


def command_of(*layers, steady="threads"):
    stack = Stack.of(layers)
    return training_command(
        stack.process(), steadying(steady, stack.process(), is_duet_side=True), CACHE
    )


def test_plain_is_the_worker_itself():
    command = command_of(BatchSize(4))
    assert command.argv[0] == sys.executable
    assert command.argv[1].endswith("worker/main.py")
    assert (command.ranks, command.launched) == (1, False)
    assert command.environment["OMP_PROC_BIND"] == "true"
    assert command.environment[ranks.CORES_VARIABLE] == "0,1,2,3"
    assert "OMP_PROC_BIND" not in command_of(steady="off").environment


def test_run_cpu_gets_the_cores_and_binds_its_threads_itself():
    command = command_of(TunedRuntime("default", "gnu", cores="1-2"))
    assert command.argv[1:3] == ("-m", "torch.backends.xeon.run_cpu")
    assert command.argv[command.argv.index("--core-list") + 1] == "1,2"
    assert "--disable-iomp" in command.argv
    assert command.environment["OMP_NUM_THREADS"] == "2"
    assert command.launched
    assert "OMP_PROC_BIND" not in command.environment
    assert command.environment[ranks.BIND_VARIABLE] == "true"


def test_preloads_of_a_layer_come_before_those_of_the_user(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "/own/libfoo.so")
    monkeypatch.setattr(TunedRuntime, "process", _preloading)
    assert (
        command_of(TunedRuntime("default", "gnu")).environment["LD_PRELOAD"]
        == "/a.so:/own/libfoo.so"
    )


def _preloading(_self):
    from traingate.layers.base import ProcessRequest

    return ProcessRequest(preloads=("/a.so",))


@pytest.mark.parametrize(
    "variable",
    ["COV_CORE_SOURCE", "COV_CORE_DATAFILE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"],
)
def test_nothing_traces_the_timed_steps_for_coverage(monkeypatch, variable):
    monkeypatch.setenv(variable, "value")
    assert variable not in command_of().environment


ISOLATED = """
import sys
from pathlib import Path
from traingate.controller.command import training_command
from traingate.controller.steadying import steadying
from traingate.layers.stack import Stack
stack = Stack()
still = steadying("off", stack.process(), is_duet_side=False)
environment = training_command(stack.process(), still, Path("cache")).environment
print(sorted(name for name in environment if name.startswith("PYTHON")))
"""


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ((), ["PYTHONUNBUFFERED", "PYTHONWARNINGS"]),
        (("-I",), ["PYTHONNOUSERSITE", "PYTHONUNBUFFERED"]),
        (("-s", "-B"), ["PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE", "PYTHONUNBUFFERED", "PYTHONWARNINGS"]),
    ],
)  # fmt: skip
def test_a_worker_ignores_what_its_interpreter_was_told_to_ignore(flags, names):
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    process = subprocess.run(
        [sys.executable, *flags, "-c", ISOLATED],
        env={**inherited, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.strip() == str(names)


def test_ranks_share_the_cores_evenly():
    command = command_of(DataParallel("torchrun", 2))
    assert "--standalone" in command.argv
    assert command.ranks == 2
    assert command.environment[ranks.CORES_VARIABLE] == "0,1;2,3"
    assert command.environment["OMP_NUM_THREADS"] == "2"


def test_ranks_of_several_nodes_use_the_endpoint_in_the_arguments():
    arguments = ["--nnodes=2", "--rdzv-endpoint=host:29400"]
    command = command_of(DataParallel("torchrun", 2, arguments))
    assert "--standalone" not in command.argv
    assert set(arguments) <= set(command.argv)
    assert "GLOO_SOCKET_IFNAME" not in command.environment


def test_ipexrun_finds_a_free_port_each_time():
    ports = {
        command.argv[command.argv.index("--master-port") + 1]
        for command in (command_of(DataParallel("ipexrun", 2)) for _ in range(4))
    }
    assert "29500" not in ports
    assert len(ports) > 1


def test_torchrun_starts_run_cpu_and_ipexrun_does_not():
    command = command_of(TunedRuntime("default", "gnu"), DataParallel("torchrun", 2))
    assert command.argv.index("torch.distributed.run") < command.argv.index(
        "torch.backends.xeon.run_cpu"
    )
    with pytest.raises(LayerConflictError, match="ipexrun sets allocator and OpenMP itself"):
        command_of(TunedRuntime("default", "gnu"), DataParallel("ipexrun", 2))


def test_ranks_run_on_the_cores_that_share_a_cache(monkeypatch):
    monkeypatch.setattr(
        "traingate.controller.launchers.cache_groups", lambda _cores: ((0, 1), (2,))
    )
    command = command_of(DataParallel("torchrun", "l3"))
    assert command.ranks == 2
    assert command.environment["TRAINGATE_CORES"] == "0,1;2"
    assert command.environment["OMP_NUM_THREADS"] == "1"
    assert command.argv[command.argv.index("--nproc-per-node") + 1] == "2"


def test_fewer_cores_than_ranks_are_refused():
    with pytest.raises(ConfigurationError, match="2 ranks need a core each, and the stack has 1"):
        command_of(TunedRuntime("default", "gnu", cores="0"), DataParallel("torchrun", 2))


def test_the_rank_of_pytests_own_process_does_not_reach_the_worker(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert not {"RANK", "WORLD_SIZE"} & set(command_of().environment)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, RankPlace(0, 0, 1)),
        ({"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}, RankPlace(3, 1, 4)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALRANKID": "1"}, RankPlace(1, 1, 2)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, RankPlace(1, 1, 2)),
    ],
)
def test_the_rank_and_the_world_size_come_from_the_launchers_variables(environment, expected):
    assert rank_place(environment) == expected


def test_each_rank_has_its_own_cores():
    environment = {
        ranks.CORES_VARIABLE: "0,1;2,3",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "1",
        "RANK": "1",
    }
    assert rank_cores(environment) == {2, 3}
    assert rank_cores({}) == frozenset()


def test_launchers_find_programs_in_the_folder_of_this_interpreter():
    folder = command_of().environment["PATH"].split(os.pathsep)[0]
    assert (Path(folder) / Path(sys.executable).name).exists()


CACHES = ["TORCH_EXTENSIONS_DIR", "TRITON_CACHE_DIR", "NUMBA_CACHE_DIR", "HF_MODULES_CACHE"]


def variables_of(side):
    stack = Stack()
    request = steadying("off", stack.process(), is_duet_side=False)
    return training_command(stack.process(), request, CACHE, side_caches=Path(side)).environment


@pytest.mark.parametrize("variable", CACHES)
@pytest.mark.parametrize("user_folder", [None, "/cache"])
def test_each_side_builds_into_a_folder_of_its_own(monkeypatch, variable, user_folder):
    monkeypatch.delenv(variable, raising=False)
    if user_folder is not None:
        monkeypatch.setenv(variable, user_folder)
    folders = [variables_of(side)[variable] for side in ("/session/candidate", "/session/base")]
    assert len({*folders, user_folder}) == 3


def test_extensions_are_kept_in_the_folder_that_the_user_chose(monkeypatch):
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", "/cache")
    sessions = [variables_of(f"/{number}/side")["TORCH_EXTENSIONS_DIR"] for number in (1, 2)]
    assert Path(sessions[0]).parent == Path("/cache")
    assert sessions[0] == sessions[1]
