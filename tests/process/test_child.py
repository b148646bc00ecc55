import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from traingate.controller import end_orphans
from traingate.controller.child import Child
from traingate.controller.command import LAUNCH_TAG, Command
from traingate.controller.job import Timeouts
from traingate.errors import (
    ConfigurationError,
    ProtocolError,
    WorkerDiedError,
    WorkerKilledError,
    WorkerTimeoutError,
    WorkloadError,
)
from traingate.protocol import messages

SERVICES = Path(__file__).with_name("services.py")
TIMEOUT = 30.0

pytestmark = pytest.mark.usefixtures("temporary")  # it checks that no process and no file is left


@contextlib.contextmanager
def child(service: str, seconds: float = TIMEOUT):
    """Start a child of one service."""
    command = Command((sys.executable, str(SERVICES), service), os.environ)
    with Child(command, "launch 2", seconds) as child_process:
        yield child_process.wait_for_hello()


@contextlib.contextmanager
def ranks(*services: str):
    """Start a child of several ranks, with one service for each."""
    argv = (sys.executable, str(SERVICES.with_name("ranks.py")), ",".join(services))
    command = Command(argv, os.environ, ranks=len(services), launched=True)
    with Child(command, "launch 2", TIMEOUT) as child_process:
        yield child_process.wait_for_hello()


def take_steps(worker: Child, seconds: float = TIMEOUT) -> list[messages.Stepped]:
    worker.send(messages.Step(3))
    return [worker.receive(messages.Stepped, seconds, f"in step {n} of 3")[0] for n in (1, 2, 3)]


def take_two_steps(group: Child) -> None:
    group.send(messages.Step(2))
    for number in (1, 2):
        group.receive(messages.Stepped, TIMEOUT, f"in step {number} of 2")


def test_a_child_answers_each_step_and_the_end():
    with child("Regular") as worker:
        assert (
            take_steps(worker) == [messages.Stepped(0.25, {"data": 0.05}, starts_epoch=False)] * 3
        )
        assert (
            worker.ask_first(
                messages.Finish(), messages.Finished, TIMEOUT, "at its end"
            ).peak_rss_bytes
            == 1 << 20
        )


def test_a_child_that_is_killed_is_reported_with_its_step():
    with pytest.raises(WorkerDiedError) as caught, child("Killed") as worker:
        take_steps(worker)
    assert re.search(r"launch 2 was killed by SIGKILL .* in step 2 of 3", str(caught.value))
    assert "about to be killed" in str(caught.value)


def test_a_child_that_shuts_its_connection_down_was_not_killed_for_memory():
    with pytest.raises(WorkerDiedError) as caught, child("ShuttingDown") as worker:
        take_steps(worker)
    assert not isinstance(caught.value, WorkerKilledError)
    assert re.search(r"launch 2 ended itself since its connection .* in step 2", str(caught.value))


def test_a_hanging_child_is_ended_after_its_timeout():
    with child("Hanging") as worker:
        worker.send(messages.Step(2))
        worker.receive(messages.Stepped, TIMEOUT, "in step 1 of 2")
        with pytest.raises(WorkerTimeoutError, match=r"launch 2 gave .* 0.5 s in step 2 of 2"):
            worker.receive(messages.Stepped, 0.5, "in step 2 of 2")


@pytest.mark.parametrize(
    ("service", "text"),
    [("Raising", "ValueError: no such shape"), ("Exiting", "SystemExit: enough")],
)
def test_an_exception_in_user_code_is_reported_with_the_frames_of_that_code(service, text):
    with pytest.raises(WorkloadError) as caught, child(service) as worker:
        take_steps(worker)
    message = str(caught.value)
    assert "the workload raised in launch 2, in step 1 of 3" in message
    assert text in message
    assert "services.py" in message
    assert "serve.py" not in message


def test_a_process_that_a_child_started_in_another_session_is_ended_too():
    with child("Spawning") as worker:
        worker.send(messages.Step(1))
        worker.receive(messages.Stepped, TIMEOUT, "in step 1 of 1")
        (spawned,) = psutil.Process(worker.pid).children()
        assert os.getsid(spawned.pid) != os.getsid(worker.pid)
    spawned.wait(TIMEOUT)  # init may notice its end later


def test_a_child_of_another_version_is_refused():
    with (
        pytest.raises(ProtocolError, match="speaks version 999 of the protocol"),
        child("OtherVersion"),
    ):
        pass


def test_a_child_that_does_not_start_shows_its_log():
    with pytest.raises(WorkerDiedError) as caught, child("NotStarting"):
        pass
    assert "launch 2 exited with status 3 at its start" in str(caught.value)
    assert "libfoo.so is missing" in str(caught.value)


@pytest.mark.parametrize(("limit", "start"), [(None, 120), (4, 120), (500, 500)])
def test_the_time_for_the_start_is_never_below_its_default(limit, start):
    assert Timeouts.of(limit).start == start


def test_a_child_that_never_connects_is_ended_after_the_time_for_its_start():
    program = "import time; print('importing', flush=True); time.sleep(600)"
    command = Command((sys.executable, "-c", program), os.environ)
    expected = r"launch 2 gave no answer within 3 s at its start(.|\n)*importing"
    with pytest.raises(WorkerTimeoutError, match=expected), Child(command, "launch 2", 3.0) as each:
        each.wait_for_hello()


def test_a_child_ends_when_its_parent_is_killed():
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1]); import test_child;"
        "from traingate.protocol import messages\n"
        "with test_child.child('Hanging') as worker:\n"
        "    worker.send(messages.Step(2)); worker.receive(messages.Stepped, 30, '')\n"
        "    print(worker.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, str(SERVICES.parent)],
        capture_output=True,
        text=True,
        check=False,
    )
    worker = int(process.stdout)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(worker).wait(TIMEOUT)
    assert not psutil.pid_exists(worker)


@pytest.mark.parametrize("prepare", ["", "worker.freeze()"], ids=["running", "stopped"])
def test_a_process_without_environment_ends_when_the_controller_is_killed(prepare):
    script = (
        "import os, psutil, signal, sys; sys.path.insert(0, sys.argv[1]); import test_child;"
        "from traingate.protocol import messages\n"
        "with test_child.child('SpawningWithoutEnvironment') as worker:\n"
        "    worker.send(messages.Step(1)); worker.receive(messages.Stepped, 30, '')\n"
        f"    {prepare}\n"
        "    print(psutil.Process(worker.pid).children()[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(SERVICES.parent)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    spawned = int(process.stdout)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(spawned).wait(TIMEOUT)
    assert not psutil.pid_exists(spawned)


def guard_of(worker: Child) -> psutil.Process:
    """Return the process that ends *worker* if this one is killed."""
    (guard,) = [
        process
        for process in psutil.Process().children()
        if process.cmdline()[-2:-1] == [str(worker.pid)]
    ]
    return guard


def test_the_guard_of_a_child_has_the_variables_that_its_python_may_need_but_not_the_tag(
    monkeypatch,
):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/python/lib", prepend=":")
    monkeypatch.setenv(LAUNCH_TAG, "launch around this test")
    with child("Regular") as worker:
        environment = guard_of(worker).environ()
        assert environment["LD_LIBRARY_PATH"] == os.environ["LD_LIBRARY_PATH"]
        # With an empty environment, it would be waited for as for a process in the middle of exec.
        assert LAUNCH_TAG not in environment


def test_a_child_that_has_written_over_its_environment_is_ended_with_its_controller():
    """setproctitle(3) does that; this child has no tag from the start."""
    variables = {name: value for name, value in os.environ.items() if name != LAUNCH_TAG}
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(command, env=variables, start_new_session=True) as process:
        arguments = [str(os.getpid()), LAUNCH_TAG, "the tag of the child", str(process.pid), ""]
        script = Path(end_orphans.__file__)
        subprocess.run([sys.executable, script, *arguments], input="", text=True, check=True)
        try:
            assert process.wait(TIMEOUT) == -signal.SIGKILL
        finally:
            process.kill()


def test_ranks_answer_in_their_order():
    with ranks("Regular", "Slower") as group:
        group.send(messages.Step(1))
        answers = group.receive(messages.Stepped, TIMEOUT, "in step 1 of 1")
        assert [answer.step_seconds for answer in answers] == [0.25, 0.5]
        assert group.world_size == 2


@pytest.mark.parametrize("position", [0, 1])
def test_the_rank_that_was_killed_is_named_with_its_own_log(position):
    services = ["WithoutPeer", "WithoutPeer"]
    services[position] = "Killed"
    with pytest.raises(WorkerDiedError) as caught, ranks(*services) as group:
        take_two_steps(group)
    message = str(caught.value)
    # On a loaded machine, the other rank may have been ended too before the controller looks.
    assert re.search(rf"rank (0, 1|{position}) of launch 2 ended in step [12] of 2", message)
    assert f"Last output of rank {position}:\n    about to be killed" in message


def test_the_rank_that_hangs_is_named():
    with ranks("Regular", "Hanging") as group:
        group.send(messages.Step(2))
        group.receive(messages.Stepped, TIMEOUT, "in step 1 of 2")
        with pytest.raises(
            WorkerTimeoutError, match="rank 1 of launch 2 gave no answer within 1 s"
        ):
            group.receive(messages.Stepped, 1.0, "in step 2 of 2")


def test_the_rank_that_raises_is_named():
    with (
        pytest.raises(WorkloadError, match="the workload raised in rank 1 of launch 2"),
        ranks("Regular", "Raising") as group,
    ):
        take_two_steps(group)


def test_a_rank_that_does_not_start_is_named_with_its_log():
    with (
        pytest.raises(WorkerDiedError, match=r"^launch 2 ended at its start") as caught,
        ranks("Regular", "NotStarting"),
    ):
        pass
    assert "Last output of rank 1:\n    libfoo.so is missing" in str(caught.value)


def test_a_refusal_by_traingate_in_a_child_has_no_traceback():
    with pytest.raises(ConfigurationError) as caught, child("Refusing") as worker:
        take_steps(worker)
    expected = "launch 2, in step 1 of 3: malloc comes from elsewhere. Install it."
    assert str(caught.value) == expected


def test_ranks_without_the_variables_of_their_group_are_refused(monkeypatch):
    monkeypatch.setenv("TRAINGATE_TEST_NO_RANK_VARIABLES", "1")
    with (
        pytest.raises(ProtocolError, match="rank 0 of 1, rank 0 of 1"),
        ranks("Regular", "Regular"),
    ):
        pass


def test_the_rank_that_died_is_named_though_its_launcher_ends_the_others():
    with pytest.raises(WorkerDiedError) as caught, ranks("Busy", "Killed") as group:
        take_two_steps(group)
    # On a busy machine the launcher may have ended rank 0 before the controller reads its channel.
    assert re.search(r"rank (0, )?1 of launch 2 ended in step", str(caught.value))
    assert "Last output of rank 1:\n    about to be killed" in str(caught.value)
