"""Check that all launches of one side have imported the same files of the project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from traingate.errors import ConfigurationError
from traingate.protocol.messages import COMPILED_PREFIX


class ImportedFiles:
    """Digests of the project's files that the launches of one side of a test have imported.

    Args:
        original: Files of the candidate, if this side must have the same code as it; None if the
            code of this side may differ.
    """

    def __init__(self, original: ImportedFiles | None = None) -> None:
        self._digests: dict[str, str] = {}
        self._original = original

    @property
    def digest(self) -> str:
        """Return one digest of all files; empty if there are none."""
        return digest_of(self._digests)

    def add(self, launch: str, digests: Mapping[str, str]) -> None:
        """Add the files of a launch, after checking them.

        Args:
            launch: Name of the launch for error messages.
            digests: Digests of the files by the name of the module, as in ``messages.Finished``.

        Raises:
            ConfigurationError: If an earlier launch of this side imported another version of a
                module, or the candidate did and this side must have the same code.
        """
        changed_modules = _differences(self._digests, digests)
        if changed_modules:
            raise ConfigurationError(
                f"{launch} imported another version of {changed_modules[0]} than an earlier launch "
                "of this test: the file was edited or built again while it was measured. Leave the "
                "project's files alone until the run ends, and start it again."
            )
        self._digests.update(digests)
        if self._original is None:
            return
        original = {
            name: digest
            for name, digest in self._original._digests.items()
            if not digest.startswith(COMPILED_PREFIX)  # each interpreter has builds of its own
        }
        foreign_modules = _differences(original, digests)
        if foreign_modules:
            raise ConfigurationError(
                f"{launch} imported another {foreign_modules[0]} than the candidate, so that code "
                "and environment both differ. It may be an installed copy: install the project in "
                "both environments from the working tree, with pip install --editable."
            )


def digest_of(digests: Mapping[str, str]) -> str:
    """Return one digest of all files that a launch has imported; empty if there are none.

    Args:
        digests: Digests of the files by the name of the module.
    """
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(digests.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16] if digests else ""


def _differences(expected: Mapping[str, str], digests: Mapping[str, str]) -> list[str]:
    """Return the names of the modules that both have, with different digests."""
    common_names = expected.keys() & digests.keys()
    return sorted(name for name in common_names if expected[name] != digests[name])
