"""Test the progress lines of a log, and the output of workers."""

import threading

from traingate.report.progress import LogLines, WorkerOutput


class Log:
    """A log that tells when it has a number of lines."""

    def __init__(self):
        self.lines = []
        self._condition = threading.Condition()

    def write(self, line):
        with self._condition:
            self.lines.append(line)
            self._condition.notify_all()

    def wait_for(self, count):
        with self._condition:
            assert self._condition.wait_for(lambda: len(self.lines) >= count, 30)


def test_a_log_gets_a_line_at_the_start_and_one_in_each_interval_without_any_event():
    log = Log()
    with LogLines(log.write, "a.py::test_it", interval_seconds=0.01) as observer:
        assert log.lines[0] == "traingate: measuring a.py::test_it"
        observer.launching(2, 3)
        observer.doing("first step")
        log.wait_for(len(log.lines) + 2)
        assert "a.py::test_it: launch 2/3 first step, 0:00 elapsed" in log.lines[-1]
        observer.stepped(4, 5, 812.3456)
        log.wait_for(len(log.lines) + 2)
        assert "launch 2/3 step 4/5 812.3 samples/s" in log.lines[-1]


def test_a_log_is_not_flooded():
    log = Log()
    with LogLines(log.write, "a.py::test_it") as observer:  # at most one line in a minute
        for step in range(10_000):
            observer.stepped(step + 1, 10_000, 1.0)
    assert log.lines == ["traingate: measuring a.py::test_it"]
    quiet = Log()
    with LogLines(quiet.write, "a.py::test_it", announces=False):
        pass
    assert quiet.lines == []


def test_a_log_without_a_thread_has_its_first_line(monkeypatch):
    """The system may have no thread left, and the launches may still be measured."""

    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    log = Log()
    with LogLines(log.write, "a.py::test_it") as observer:
        observer.stepped(1, 2, 1.0)
    assert log.lines == ["traingate: measuring a.py::test_it"]


def test_what_workers_print_starts_no_command_of_github(capsys):
    WorkerOutput().printed("launch 1", "\x1b[31m::error::x\n  ::stop-commands::x\n##[group]")
    lines = capsys.readouterr().out.splitlines()
    assert all(word in " ".join(lines) for word in ("error", "stop-commands", "group"))
    assert not any(line.strip().startswith("::") or "##[" in line for line in lines), lines


def test_what_workers_print_is_shown_once(capsys):
    observer = WorkerOutput()
    observer.printed("launch 1", "UserWarning: slow")
    observer.printed("launch 2", "UserWarning: slow")
    observer.printed("launch 2 of the base", "UserWarning: slower")
    assert capsys.readouterr().out == (
        "[printed by launch 1]\nUserWarning: slow\n"
        "[printed by launch 2 of the base]\nUserWarning: slower\n"
    )
