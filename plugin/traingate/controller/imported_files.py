"""Check that all launches of one side have imported the same files of the project."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

from traingate.errors import ConfigurationError, EditedFileError
from traingate.protocol.messages import COMPILED_PREFIX


class ImportedFiles:
    """Digests of the files that the launches of one side of a test have imported.

    Args:
        candidate: Files of the candidate, for its base; None for the candidate itself.
        same_code: True if the base must have the candidate's code, since only the interpreter
            differs.
    """

    def __init__(self, candidate: ImportedFiles | None = None, *, same_code: bool = False) -> None:
        self._digests: dict[str, str] = {}
        self._candidate = candidate
        self._same_code = same_code
        self._start_time = time.time()

    @property
    def digest(self) -> str:
        """Return one digest of all files."""
        return digest_of_files(self._digests)

    def add(self, launch: str, digests: Mapping[str, str]) -> None:
        """Add the files of a launch, after checking them.

        Args:
            launch: Name of the launch for error messages.
            digests: Digests of the files by module or path, as in ``messages.Finished``.

        Raises:
            EditedFileError: If an earlier launch of the candidate imported another version of a
                file.
            ConfigurationError: If one of the base did, or if the two sides share code that must
                differ, or differ in code that must be the same.
        """
        changed_files = _differences(self._digests, digests)
        if changed_files:
            error = EditedFileError if self._candidate is None else ConfigurationError
            raise error(
                f"{launch} imported another version of {changed_files[0]} than an earlier launch "
                "of this test: the file was edited or built again while it was measured. Leave the "
                "project's files alone until the run ends, and start it again."
            )
        self._digests.update(digests)
        if self._candidate is not None:
            self._check_sides(launch, self._candidate)

    def _check_sides(self, launch: str, candidate: ImportedFiles) -> None:
        """Check that this side and the candidate are what they should be."""
        for path in sorted(self._digests.keys() & candidate._digests.keys()):
            if path.startswith("/") and _was_written_since(path, candidate._start_time):
                raise ConfigurationError(
                    f"{launch} and the candidate share {path}, which one of them has built while "
                    "the test ran. Build it below the project's folder, or below the folder in "
                    "$TORCH_EXTENSIONS_DIR: both differ between the two sides."
                )
        source_digests = {
            name: digest
            for name, digest in candidate._digests.items()
            if not digest.startswith(COMPILED_PREFIX)  # each interpreter has builds of its own
        }
        foreign_files = _differences(source_digests, self._digests)
        if self._same_code and foreign_files:
            raise ConfigurationError(
                f"{launch} imported another {foreign_files[0]} than the candidate, so that code "
                "and environment both differ. It may be an installed copy: install the project in "
                "both environments from the working tree, with pip install --editable."
            )


def digest_of_files(digests: Mapping[str, str]) -> str:
    """Return one digest of all files that a launch has imported.

    Args:
        digests: Digests of the files by module or path.
    """
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(digests.items()))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


def _differences(expected: Mapping[str, str], digests: Mapping[str, str]) -> list[str]:
    """Return the names of the files that both have, with different digests."""
    common_names = expected.keys() & digests.keys()
    return sorted(name for name in common_names if expected[name] != digests[name])


def _was_written_since(path: str, seconds: float) -> bool:
    """Return whether a file was written after a time, in seconds since the epoch."""
    try:
        return Path(path).stat().st_mtime > seconds
    except OSError:
        return False
