"""Run the script of the actions, as a job on GitHub does, against a repository with a clone.

The environment of the job is a fresh one, into which the script installs traingate.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from repositories import HIDDEN, git, slow_down

from github_server import GitHubServer
from traingate.records.results import SuiteResults

SCRIPT = Path(__file__).parents[2] / ".github" / "actions" / "run.sh"
ARGUMENTS = "test_training.py --traingate-scale=smoke --traingate-steps=6 --traingate-launches=2"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="needs the actions of a checkout")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the folder with the programs of a new environment, which finds our libraries too."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    Path(site, "ours.pth").write_text(sysconfig.get_path("purelib"))
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    # All libraries are there, also that which builds. pip takes 0 for "without isolation".
    options = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    variables = {**os.environ, "PATH": path, **options}
    subprocess.run(["bash", str(SCRIPT), "install"], check=True, env=variables)
    return folder / "bin"


def test_the_runs_are_fetched_before_the_code_of_the_change_is_installed():
    """That code could change the address of the remote, to be given the token."""
    steps = (SCRIPT.parent / "gate" / "action.yml").read_text().split("- run: ")
    (fetch,) = [
        number for number, step in enumerate(steps) if step.startswith("bash") and " fetch" in step
    ]
    (install,) = [number for number, step in enumerate(steps) if " install-project" in step]
    assert fetch < install
    assert [number for number, step in enumerate(steps) if "GITHUB_TOKEN" in step] == [fetch]


@dataclass(frozen=True)
class Job:
    """Clone of a project with a branch for a pull request, in which jobs do their steps.

    Attributes:
        path: Folder of the clone.
        programs: Folder with the programs of the job's environment.
        files: Folder for events and for the summary of the job.
        base: Commit that the pull request starts from.
    """

    path: Path
    programs: Path
    files: Path
    base: str

    @property
    def summary(self):
        return self.files / "summary.md"

    @property
    def output(self):
        return self.path / "traingate-results"

    def commit(self, message="next"):
        git("commit", "-q", "--allow-empty", "-a", "-m", message)
        return git("rev-parse", "HEAD")

    def pull_request(self, association="MEMBER", body="", labels=()):
        """Return the event of a pull request of the present commit."""
        return {
            "pull_request": {
                "number": 5,
                "base": {"sha": self.base},
                "head": {"sha": git("rev-parse", "HEAD")},
                "author_association": association,
                "body": body,
                "labels": [{"name": name} for name in labels],
            }
        }

    def run(self, step, event, **variables):
        """Return the finished process of a step, and the results that it has left."""
        own = {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "TRAINGATE_ARGUMENTS": ARGUMENTS,
        }
        process = self._start(["bash", str(SCRIPT), step], event, {**own, **variables})
        results = self.output / "results.json"
        if not results.exists():
            return process, None
        return process, msgspec.json.decode(results.read_bytes(), type=SuiteResults)

    def comment(self, owner, server):
        """Return the finished process of the trusted step."""
        workflow_run = {
            "id": 77,
            "name": "Training speed",
            "head_sha": server.sha,
            "head_branch": "feature",
            "head_repository": {"owner": {"login": owner}},
        }
        variables = {
            "GITHUB_API_URL": server.address,
            "GITHUB_REPOSITORY": "someone/project",
            "GITHUB_TOKEN": "token",
        }
        command = [str(self.programs / "traingate"), "ci", "comment", "traingate-results"]
        return self._start(command, {"workflow_run": workflow_run}, variables)

    def _start(self, command, event, variables):
        file = self.files / "event.json"
        file.write_text(json.dumps(event))
        return subprocess.run(
            command,
            cwd=self.path,
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "GITHUB_EVENT_PATH": str(file), **variables},
        )


@pytest.fixture
def job(committed, environment, tmp_path):
    pytester = committed()
    remote = tmp_path / "remote.git"
    git("clone", "-q", "--bare", ".", str(remote))
    git("remote", "add", "origin", str(remote))
    git("fetch", "-q", "origin")
    return Job(pytester.path, environment, tmp_path, git("rev-parse", "HEAD"))


@pytest.mark.long
def test_a_pull_request_without_a_slowdown_passes_in_silence(job):
    job.commit("a comment")
    process, results = job.run("gate", job.pull_request())
    assert process.returncode == 0, process.stdout + process.stderr
    assert results.state in {"passed", "open"}
    assert job.summary.read_text().startswith("## ")
    assert (job.output / "report.html").exists()
    with GitHubServer() as server:
        assert job.comment("stranger", server).returncode == 0
        assert (server.comments == {}) is (results.state == "passed")


def test_a_slowdown_of_a_fork_fails_whatever_its_author_writes_and_gets_a_comment(job):
    slow_down(job)
    sha = job.commit("faster, honestly")
    body = "traingate-accept: please"
    event = job.pull_request("FIRST_TIME_CONTRIBUTOR", body)
    process, results = job.run("gate", event, TORCHX_TOKEN=HIDDEN)
    assert process.returncode == 1, process.stdout + process.stderr
    assert (results.state, results.counts["regressed"]) == ("failed", 1)
    summary = job.summary.read_text()
    assert "**REGRESSED**" in summary
    # Its cause is for the tests that are timed: other tests run beside this one.
    (profiles,) = (job.output / "profiles").iterdir()
    assert {path.name for path in profiles.iterdir()} >= {
        "flame_graph.html", "profile.json", "base.trace.json.gz", "candidate.trace.json.gz",
    }  # fmt: skip
    for trace in profiles.glob("*.trace.json.gz"):
        content = gzip.decompress(trace.read_bytes())
        assert b"aten::addmm" in content
        # Neither the variables nor the command lines of the processes.
        assert HIDDEN.encode() not in content
        assert b"--traingate" not in content
    with GitHubServer(sha=sha) as server:
        assert job.comment("stranger", server).returncode == 0
        (comment,) = server.comments.values()
        assert results.tests[0].verdict.baseline_samples_per_second
        assert "1 of 1 training benchmark failed" in comment["body"]
        assert "Reproduce: `pytest --traingate-against" in comment["body"]


@pytest.mark.long
def test_a_slowdown_that_a_member_accepts_passes_with_the_reason(job):
    """Shorter tests of this are in unit/test_pull_requests and process/test_against_base."""
    slow_down(job)
    sha = job.commit("a better loss")
    body = "Trains better.\n\ntraingate-accept: the new loss needs it"
    process, results = job.run("gate", job.pull_request("MEMBER", body))
    assert process.returncode == 0, process.stdout + process.stderr
    (test,) = results.tests
    assert (test.failed, test.verdict.accepted.reason) == (False, "the new loss needs it")
    with GitHubServer(sha=sha) as server:
        job.comment("stranger", server)
        (comment,) = server.comments.values()
        assert "REGRESSED, accepted" in comment["body"]
        assert "the new loss needs it" in comment["body"]


@pytest.mark.long
def test_the_main_branch_keeps_its_runs_and_shows_its_history(job):
    event = {"ref": "refs/heads/main"}
    for number in range(2):
        job.commit(f"commit {number}")
        git("push", "-q", "origin", "HEAD:main")
        shutil.rmtree(job.output, ignore_errors=True)
        for step in ("fetch", "record", "push"):
            process, _ = job.run(step, event, GITHUB_RUN_ID=str(number))
            assert process.returncode == 0, process.stdout + process.stderr
            if step == "record":
                output = process.stdout
    assert git("ls-remote", "--heads", "origin", "traingate-runs")
    assert "at the newest of 2 commits" in output
    assert "## traingate: history" in job.summary.read_text()


def test_arguments_may_stand_on_several_lines(job):
    arguments = "test_training.py\n  --no-such-option\n"
    process, results = job.run("gate", job.pull_request(), TRAINGATE_ARGUMENTS=arguments)
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--no-such-option" in process.stderr
    assert results is None


@pytest.mark.parametrize("variable", ["TRAINGATE_ARGUMENTS", "GITHUB_EVENT_PATH"])
def test_nonsense_fails_the_job(job, variable):
    process, results = job.run("gate", job.pull_request(), **{variable: "/no/such/file.py"})
    assert process.returncode not in {0, 1}
    assert results is None or results.state != "passed"
