"""Find environments by their names: those that the user has named, and those that were created."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from traingate.environments.created import created_environments
from traingate.environments.interpreter import Interpreter, find_interpreter
from traingate.errors import ConfigurationError

TODAY: Final = "today"
"""Name of the environment that pytest runs in."""


@dataclass(frozen=True)
class Environment:
    """Interpreter with its packages, under the name that the user knows it by.

    Attributes:
        name: Name, such as ``today`` or ``ipex``; empty if the user gives the path of an
            interpreter alone.
        interpreter: Interpreter; None for the running one.
    """

    name: str
    interpreter: Interpreter | None = None

    @property
    def file_name(self) -> str:
        """Return a name for files of this environment."""
        text = self.name or repr(self.interpreter)
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]

    @property
    def title(self) -> str:
        """Return a description for messages."""
        if self.interpreter is not None and not self.name:
            return f"the Python of {self.interpreter.prefix}"
        return f"the environment {self.name}"


RUNNING: Final = Environment(TODAY)
"""Environment that pytest runs in."""


@dataclass
class Environments:
    """Environments of a session. Each interpreter is examined once, when it is first needed.

    Attributes:
        locations: Paths of interpreters, or of the folders of their environments, by the names that
            the user has given them. They take precedence over created environments.
    """

    locations: Mapping[str, str] = field(default_factory=dict)
    _environments: dict[str, Environment] = field(default_factory=dict, init=False, repr=False)

    def find(self, name: str) -> Environment | None:
        """Return the environment of this name, None if there is none.

        Raises:
            ConfigurationError: If its interpreter cannot be used.
        """
        if name not in self._environments:
            if name == TODAY:
                return RUNNING
            if name in self.locations:
                location, source = self.locations[name], f"--traingate-environment {name}"
            else:
                created = created_environments()
                if name not in created:
                    return None
                location, source = str(created[name]), f"the environment {name}"
            self._environments[name] = Environment(name, find_interpreter(location, source))
        return self._environments[name]

    def get(self, name: str) -> Environment:
        """Return the environment of this name.

        Raises:
            ConfigurationError: If there is none, or if its interpreter cannot be used.
        """
        environment = self.find(name)
        if environment is None:
            names = sorted({TODAY, *self.locations, *created_environments()})
            raise ConfigurationError(
                f"there is no environment {name!r}, only {', '.join(names)}: give its Python by "
                f"--traingate-environment {name}=PATH, or make it by: traingate environment "
                f"create {name}"
            )
        return environment
