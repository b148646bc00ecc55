"""A base is measured whatever the number of files that git ignores in the working tree."""

from __future__ import annotations

import json

from traingate.controller.measure import measure
from traingate.report.progress import NoProgress

MAX_VARIABLE_BYTES = 128 << 10
"""Longest environment variable with which a program can be started (execve(2))."""


def test_a_worker_of_the_base_can_start_programs_beside_many_ignored_files(base_sides, project):
    (project.folder / ".gitignore").write_text("*.png\n")
    images = project.folder / "images"
    images.mkdir()
    (images / "README").write_text("tracked, so that git lists the images one by one")
    project.write(0.0, "import subprocess\nsubprocess.run(['true'], check=True)")
    project.commit()
    for number in range(800):
        (images / f"{number:0200}.png").touch()
    job = base_sides.job_for(project.job(), "HEAD")
    assert len(json.dumps(job.side.relocation.ignored)) > MAX_VARIABLE_BYTES
    result = measure(job, lambda _: True, NoProgress())
    assert len(result.measurement.launches) == 1
