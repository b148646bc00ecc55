"""Files of the project that are edited while it is measured."""

from __future__ import annotations

import textwrap

import pytest
from workers import record_of, too_large_for_two, write

from traingate.controller.job import LaunchPlan
from traingate.controller.measure import measure
from traingate.errors import ConfigurationError, EditedFileError
from traingate.report.progress import NoProgress


def test_a_file_edited_between_two_launches_is_refused(project):
    class Editing(NoProgress):
        def launching(self, number, planned):
            if number == 2:
                project.write(0.02)

    job = project.job(project=project.folder, launches=LaunchPlan(2, 2), peak_rss_bytes=None)
    with pytest.raises(ConfigurationError, match="launch 2 imported another version of models"):
        measure(job, lambda _: True, Editing())


def test_a_file_edited_during_a_launch_is_refused(project):
    class Editing(NoProgress):
        def stepped(self, step, steps, samples_per_second):
            project.write(0.02)

    job = project.job(project=project.folder)
    with pytest.raises(ConfigurationError, match="the file of models was changed while this"):
        measure(job, lambda _: True, Editing())


EDITED_WHILE_BUILT = """
    import time
    from pathlib import Path
    from trainings import training

    def model():
        file = Path({edited!r})  # a person edits it while a data set is loaded
        file.write_text(file.read_text() + "# edited")
        return training(lambda: time.sleep(0.01))
"""


@pytest.mark.parametrize("edited", ["models", "helpers"])
def test_a_file_edited_while_the_training_is_built_is_refused(project, edited):
    write(project.folder / "helpers.py", "SECONDS = 0.01")
    text = EDITED_WHILE_BUILT.format(edited=str(project.folder / f"{edited}.py"))
    write(project.model, f"import helpers\n{textwrap.dedent(text)}")
    job = project.job(project=project.folder)
    with pytest.raises(EditedFileError, match=f"the file of {edited} was changed while this"):
        measure(job, lambda _: True, NoProgress())


def test_a_file_edited_between_two_pairs_of_a_duet_is_refused(compared, project):
    class Editing(NoProgress):
        def launching(self, number, planned):
            if number == 2:
                project.write(0.01, "# edited")

    with pytest.raises(EditedFileError, match="imported another version of models than an earlier"):
        compared(observer=Editing(), measurement=too_large_for_two(record_of([0.01])))


def test_a_file_edited_in_the_steps_of_a_duet_is_refused(compared, project):
    class Editing(NoProgress):
        def stepped(self, step, steps, samples_per_second):
            project.write(0.02)

    with pytest.raises(EditedFileError, match="the file of models was changed while this"):
        compared(observer=Editing())
