"""Names of a job that the commit of a base has to define."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

import pytest

from base_projects import committed
from traingate.comparison.base_names import check_imported_names
from traingate.controller.job import Job, LaunchPlan
from traingate.controller.scales import SCALES
from traingate.errors import NewTestError
from traingate.layers.stack import Stack
from traingate.training_setup import WorkloadName

BRANCHES = "if 0: pass\n" + "elif 0: pass\n" * 20_000
"""Source that no supported Python can parse, since it is nested too deeply."""


def _check(tmp_path, source, **arguments):
    repository = committed(tmp_path, models=source)
    workload = WorkloadName(str(repository.root / "models.py"), "models", "net", arguments)
    job = Job(
        workload=workload,
        identity="models.py::net",
        stack=Stack(),
        scale=SCALES["smoke"],
        launches=LaunchPlan(1, 1),
        compile_cache=Path(gettempdir()),
    )
    check_imported_names(job, repository, repository.resolve_commit("HEAD"))


@pytest.mark.parametrize(
    "source",
    ["def net(depth): ...", "from other import *", "net = 1", f"def net(): ...\n{BRANCHES}"],
    ids=["parameter", "import of all names", "value", "no source that Python reads"],
)
def test_a_commit_that_may_define_the_workload_serves_as_base(tmp_path, source):
    _check(tmp_path, source, depth=1)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("def tiny(): ...", "has no net in models.py"),
        ("def net(): ...", "net has no parameter depth"),
    ],
)
def test_a_commit_that_lacks_the_workload_or_its_parameter_is_refused(tmp_path, source, text):
    with pytest.raises(NewTestError, match=text):
        _check(tmp_path, source, depth=1)
