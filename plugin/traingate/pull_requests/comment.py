"""Write the comment of a pull request, or update it; none if nothing failed, moved or is open.

It is written by a workflow that runs nothing of the pull request. The results come from one that
does, so they are a stranger's: they are checked against their schema, and shown as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from traingate.errors import ConfigurationError
from traingate.pull_requests.event import WorkflowRun
from traingate.records import decode
from traingate.records.results import SuiteResults
from traingate.report.figures import is_notable
from traingate.report.markdown import escaped, to_markdown
from traingate.untrusted.files import read_bounded
from traingate.untrusted.shell_words import is_test_argument, shell_command

if TYPE_CHECKING:
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest as GitHubPullRequest

_MAX_RESULTS_BYTES: Final = 20_000_000
_MAX_COMMENT_CHARACTERS: Final = 60_000
"""Largest comment; GitHub refuses more than 65,536 characters."""

_MAX_TITLE: Final = 200
"""Largest part of the title, in characters, that a comment without a table has."""

_BOT: Final = "github-actions[bot]"
"""Author of the comments that the token of a job writes."""


def read_results(file: Path) -> SuiteResults:
    """Return the results in a file.

    Raises:
        ConfigurationError: If it is missing, too large, or not of the schema.
    """
    try:
        return decode(read_bounded(file, _MAX_RESULTS_BYTES), SuiteResults)
    except OSError as error:
        raise ConfigurationError(f"{file} has no results of traingate: {error}") from error
    except msgspec.MsgspecError as error:
        # The message of msgspec may quote a stranger's text.
        raise ConfigurationError(f"{file} has no results of traingate") from error


def says_something(results: SuiteResults) -> bool:
    """Return whether anything failed, moved or is open."""
    return bool(results.problems) or any(map(is_notable, results.tests))


def comment_text(results: SuiteResults, workflow: str, run_address: str) -> str:
    """Return the comment as Markdown.

    Args:
        results: Results of the pull request.
        workflow: Name of the workflow that measured them; each has a comment of its own.
        run_address: Address of its run, which has the report.
    """
    ending = f"\n[Report and traces]({run_address}) of the workflow {escaped(workflow)}.\n"
    for details in (True, False):
        text = f"{_mark(workflow)}\n{to_markdown(results, details=details)}{ending}"
        if len(text) <= _MAX_COMMENT_CHARACTERS:
            return text
    count, title = sum(map(is_notable, results.tests)), escaped(results.title[:_MAX_TITLE])
    return (
        f"{_mark(workflow)}\n**traingate: {title}.** {count} tests failed, moved "
        f"or are open, too many to list them here.\n{ending}"
    )


def post_comment(
    results: SuiteResults, run: WorkflowRun, variables: Mapping[str, str]
) -> str | None:
    """Write or update the comment, and return its address; None if there is nothing to say.

    The pull request is the open one whose branch has the commit that was measured. Nothing that the
    measuring workflow says decides where the comment is written.

    Args:
        results: Results of the pull request.
        run: Workflow run that measured them.
        variables: Environment variables of the job.

    Raises:
        ConfigurationError: If GitHub refuses, or if PyGithub is not installed.
    """
    try:
        from github import GithubException  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "comments need PyGithub: pip install 'pytest-traingate[github]'"
        ) from error
    try:
        pull_request = _pull_request(run, variables)
        if pull_request is None:
            return None
        comments = pull_request.get_issue_comments()
        own = next((item for item in comments if _is_own(item, _mark(run.name))), None)
        server = variables.get("GITHUB_SERVER_URL", "https://github.com")
        address = f"{server}/{variables['GITHUB_REPOSITORY']}/actions/runs/{run.id}"
        base = pull_request.base.ref
        text = comment_text(with_commands(results, base), run.name, address)
        if own is not None:
            own.edit(text)
            return str(own.html_url)
        if says_something(results):
            return str(pull_request.create_issue_comment(text).html_url)
    except (GithubException, OSError) as error:
        raise ConfigurationError(f"GitHub has not taken the comment: {error}") from error
    except KeyError as error:
        raise ConfigurationError(f"the variable {error} is not set") from error
    return None


def with_commands(results: SuiteResults, branch: str) -> SuiteResults:
    """Return results whose commands are ours: a stranger's must not be ours to recommend.

    Args:
        results: Results of the pull request.
        branch: Name of its target branch.
    """
    tests = [
        msgspec.structs.replace(
            result,
            command=shell_command(["pytest", f"--traingate-against={branch}", result.test])
            if is_test_argument(result.test) and result.test.isprintable()
            else "",
        )
        for result in results.tests
    ]
    return msgspec.structs.replace(results, tests=tuple(tests))


def _is_own(comment: IssueComment, mark: str) -> bool:
    """Return whether a comment was written by this workflow for the workflow of *mark*."""
    author = comment.user
    return author is not None and author.login == _BOT and (comment.body or "").startswith(mark)


def _pull_request(run: WorkflowRun, variables: Mapping[str, str]) -> GitHubPullRequest | None:
    """Return the open pull request of the commit that was measured; None if there is none now."""
    from github import Auth, Github  # noqa: PLC0415 - an extra

    if run.head_repository is None or run.head_branch is None:
        return None
    client = Github(
        auth=Auth.Token(variables["GITHUB_TOKEN"]),
        base_url=variables.get("GITHUB_API_URL", "https://api.github.com"),
        lazy=True,
        seconds_between_requests=None,  # a handful, and none of them at the same time
    )
    repository = client.get_repo(variables["GITHUB_REPOSITORY"])
    head = f"{run.head_repository.owner.login}:{run.head_branch}"
    pull_requests = repository.get_pulls(state="open", head=head)
    return next((item for item in pull_requests if item.head.sha == run.head_sha), None)


def _mark(workflow: str) -> str:
    """Return the first line of the comment of a workflow, which GitHub does not show."""
    return f"<!-- traingate: {escaped(workflow)} -->"
