"""Read the event of a workflow run on GitHub.

Texts of an event are a stranger's. They are read from the file that the variable
``GITHUB_EVENT_PATH`` names, and never reach a shell.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from traingate.errors import ConfigurationError
from traingate.records import decode
from traingate.report.terminal_text import terminal_line
from traingate.untrusted.files import read_bounded

_MAX_EVENT_BYTES: Final = 64 << 20
"""Largest event that is read; GitHub sends up to 25 MB."""

ACCEPT_LABEL: Final = "traingate: accept"
"""Label that accepts the slowdowns of a pull request. People with triage rights can set labels."""

_ACCEPT_LINE: Final = "traingate-accept:"
"""Start of the line of a pull request's description that has the reason."""

_TRUSTED_AUTHORS: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""Associations of authors who may accept slowdowns themselves: those whom the repository, or its
organisation, has invited. A stranger may write the line too, and needs the label."""


def reason_in(text: str) -> str | None:
    """Return the reason in the first line ``traingate-accept: REASON`` of a text; None without one.

    It has no control characters: a null byte could not be an argument of pytest.

    Args:
        text: Description of a pull request, or message of a commit.
    """
    lines = (terminal_line(line).strip() for line in text.splitlines())
    reasons = (
        line[len(_ACCEPT_LINE) :].strip() for line in lines if line.lower().startswith(_ACCEPT_LINE)
    )
    return next(filter(None, reasons), None)


class _Commit(Struct):
    """Tip of a branch."""

    sha: str


class _Label(Struct):
    """Label of a pull request."""

    name: str


class PullRequest(Struct):
    """Facts of a pull request in an event (docs.github.com, "Webhook events and payloads").

    Attributes:
        number: Its number.
        base: Tip of its target branch when the event happened.
        head: Tip of its own branch.
        author_association: Relation of the author to the repository.
        body: Description; None if it has none.
        labels: Labels.
    """

    number: int
    base: _Commit
    head: _Commit
    author_association: str = ""
    body: str | None = None
    labels: tuple[_Label, ...] = ()

    @property
    def acceptance(self) -> str | None:
        """Return the reason for which slowdowns are accepted; None if they are not."""
        reason = reason_in(self.body or "")
        if any(label.name == ACCEPT_LABEL for label in self.labels):
            return reason or f"label {ACCEPT_LABEL!r}"
        return reason if self.author_association in _TRUSTED_AUTHORS else None


class _Owner(Struct):
    """Owner of a repository."""

    login: str


class _HeadRepository(Struct):
    """Repository of a pull request's branch."""

    owner: _Owner


class WorkflowRun(Struct):
    """Facts of the workflow run that has started this one.

    Attributes:
        id: Its number.
        name: Name of the workflow.
        head_sha: Commit that it ran for.
        head_branch: Branch of that commit; None if there is none.
        head_repository: Repository of that branch, which may be a fork; None if it was deleted.
    """

    id: int
    name: str
    head_sha: str
    head_branch: str | None = None
    head_repository: _HeadRepository | None = None


class _Event(Struct):
    """Parts of an event that are read here."""

    pull_request: PullRequest | None = None
    workflow_run: WorkflowRun | None = None


def read_pull_request(variables: Mapping[str, str]) -> PullRequest | None:
    """Return the pull request that this run is for; None if it is for something else.

    Raises:
        ConfigurationError: If there is no event, or none that can be read.
    """
    return _read_event(variables).pull_request


def read_workflow_run(variables: Mapping[str, str]) -> WorkflowRun:
    """Return the workflow run that has started this one.

    Raises:
        ConfigurationError: If there is none.
    """
    run = _read_event(variables).workflow_run
    if run is None:
        raise ConfigurationError("traingate ci comment runs on the event workflow_run alone")
    return run


def _read_event(variables: Mapping[str, str]) -> _Event:
    path = variables.get("GITHUB_EVENT_PATH")
    if not path:
        raise ConfigurationError("GITHUB_EVENT_PATH is not set: this is no job of GitHub Actions")
    try:
        return decode(read_bounded(Path(path), _MAX_EVENT_BYTES), _Event)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"the event in {path} cannot be read: {error}") from error
