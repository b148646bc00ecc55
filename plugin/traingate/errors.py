"""The exception tree: every failure that a person can cause or meet has a type and a remedy.

    TraingateError              the message says what happened, where, and what to do
    ├── ConfigurationError      an option, marker, fixture or layer makes no sense
    │   └── LayerConflictError  two layers of one stack exclude each other
    ├── WorkloadError           the workload is no importable function, or raised in the worker
    ├── WorkerError             a worker did not do its job
    │   ├── WorkerDiedError     it ended without its last message
    │   ├── WorkerTimeoutError  it did not answer in time
    │   └── ProtocolError       it spoke another language
    └── BaselineError           a comparison was asked for and cannot be made
        ├── NoRunError          no saved run is there at all
        └── DamagedRecordError  a stored run cannot be read

Warnings: TraingateWarning, and below it InconclusiveWarning and CautionWarning.
"""


class TraingateError(Exception):
    """Anything traingate reports to a person; its text is complete without a traceback."""


class ConfigurationError(TraingateError):
    """An option, a marker, a fixture's parameter or a layer makes no sense."""


class LayerConflictError(ConfigurationError):
    """Two layers of one stack exclude each other; the message names both."""


class WorkloadError(TraingateError):
    """The workload is not an importable function, or its own code raised in the worker."""


class WorkerError(TraingateError):
    """A worker process did not do its job."""


class WorkerDiedError(WorkerError):
    """A worker ended without its last message, which alone proves that a launch succeeded."""


class WorkerTimeoutError(WorkerError):
    """A worker did not answer within the time-out."""


class ProtocolError(WorkerError):
    """The two ends of a connection do not speak the same version of the protocol."""


class BaselineError(TraingateError):
    """A comparison was asked for, and cannot be made."""


class NoRunError(BaselineError):
    """The storage holds no saved run, or none that the selection names."""


class DamagedRecordError(BaselineError):
    """A stored run cannot be read; the message names the file and the place in it."""


class TraingateWarning(UserWarning):
    """Something a person should know that fails nothing."""


class InconclusiveWarning(TraingateWarning):
    """The launches allowed were too few or too noisy to tell a slowdown from noise."""


class CautionWarning(TraingateWarning):
    """The CPU has no instructions for the requested precision: correct, but slow."""
