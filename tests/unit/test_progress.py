"""Test the progress lines of a log, and the output of workers."""

import threading

import pytest

from traingate.report.profiles import profile_file, write_profile
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


def test_what_workers_print_is_shown_once(capsys):
    observer = WorkerOutput()
    observer.printed("launch 1", "UserWarning: slow")
    observer.printed("launch 2", "UserWarning: slow")
    observer.printed("launch 2 of the base", "UserWarning: slower")
    assert capsys.readouterr().out == (
        "[printed by launch 1]\nUserWarning: slow\n"
        "[printed by launch 2 of the base]\nUserWarning: slower\n"
    )


ALIKE = ["a.py::t[1-2]", "a.py::t[1_2]", "a.py::t[1]2]", "a/py::t[1-2]", "b" * 300, "bb" * 300]


def test_profiles_of_tests_with_similar_or_long_names_have_files_of_their_own(tmp_path):
    directory = tmp_path / "profiles"
    for number, test in enumerate(ALIKE):
        write_profile(directory, test, [{"number": number}])
    assert len(list(directory.iterdir())) == len(ALIKE)
    assert profile_file(directory, ALIKE[0]).name.startswith("a_py__t_1_2_-")
    for number, test in enumerate(ALIKE):
        assert f'"number": {number}' in profile_file(directory, test).read_text()


def test_a_name_of_any_characters_can_be_a_file(tmp_path):
    write_profile(tmp_path, "a.py::t[\ud800-" + "\N{SNOWMAN}" * 200 + "/../../x]", [])
    assert len(list(tmp_path.iterdir())) == 1


def test_a_profile_that_cannot_be_written_is_an_error_without_traceback(tmp_path):
    from traingate.errors import ConfigurationError

    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"--traingate-profile: .* was not written"):
        write_profile(tmp_path / "file", "a.py::test", [])
