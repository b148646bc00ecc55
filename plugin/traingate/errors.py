"""Define the exceptions and warnings, one type for each kind of failure that a user can fix.

The tree of exceptions::

    TraingateError              base class: the message says what happened, where, and what to do
    ├── ConfigurationError      an option, a marker, a fixture's parameter or a layer is invalid
    │   ├── LayerConflictError  two layers of one stack exclude each other
    │   └── EditedFileError     a file of the working tree changed while it was measured
    ├── WorkloadError           the workload cannot be imported, or raised in the worker
    ├── WorkerError             a worker process failed
    │   ├── WorkerDiedError     it ended without its Finished message
    │   │   └── WorkerKilledError   SIGKILL ended it, as the kernel does for lack of memory
    │   ├── WorkerTimeoutError  it did not answer in time
    │   ├── ClockError          its clock does not run as the controller's does
    │   └── ProtocolError       it sent a message that this version does not understand
    └── BaselineError           a comparison was requested and cannot be made
        ├── NoRunError          there is no saved run, or none that was selected
        ├── NewTestError        nothing is stored of the test, or the base does not have it
        └── DamagedRecordError  a saved run cannot be read

The base class of the warnings is TraingateWarning; below it are InconclusiveWarning and
CautionWarning.
"""

from __future__ import annotations


class TraingateError(Exception):
    """Base class of all errors that traingate reports; the message needs no traceback."""


class ConfigurationError(TraingateError):
    """Error in an option, a marker, a fixture's parameter or a layer."""


class LayerConflictError(ConfigurationError):
    """Error of a stack in which two layers exclude each other; the message names both."""


class EditedFileError(ConfigurationError):
    """Error of a file of the working tree that changed while it was measured.

    No other way to compare the test would be right either, unlike after a failure of the base.
    """


class WorkloadError(TraingateError):
    """Error of a workload that is not an importable function, or that raised in the worker."""


class WorkerError(TraingateError):
    """Failure of a worker process."""


class WorkerDiedError(WorkerError):
    """Failure of a worker that ended without its Finished message.

    Only that message proves that a launch succeeded; exit statuses do not.
    """


class WorkerKilledError(WorkerDiedError):
    """Failure of a worker that SIGKILL ended: a person, or the kernel for lack of memory."""


class WorkerTimeoutError(WorkerError):
    """Failure of a worker to answer within the time-out."""


class ClockError(WorkerError):
    """Failure of a worker whose step times do not fit the time that passed."""


class ProtocolError(WorkerError):
    """Failure of a worker whose messages do not follow this version of the protocol."""


class BaselineError(TraingateError):
    """Error of a comparison that was requested and cannot be made."""


class NoRunError(BaselineError):
    """Error of a storage that holds no saved run, or none that the selection names."""


class NewTestError(BaselineError):
    """Error of a test that is new: the other side of the comparison has nothing of it.

    It is the only one that ``--traingate-on-missing=record`` lets pass.
    """


class DamagedRecordError(BaselineError):
    """Error of a saved run that cannot be read; the message names the file and the place in it."""

    @classmethod
    def of(cls, location: object, problem: object) -> DamagedRecordError:
        """Return the error for a file, or a record in it, that cannot be read.

        Args:
            location: Path of the file, and the name of a test if there is one.
            problem: Description of the damage.
        """
        return cls(
            f"{location} is damaged: {problem}. Restore the file, or delete it and save a new "
            "baseline."
        )


class TraingateWarning(UserWarning):
    """Base class of the warnings of traingate: information that fails no test by itself."""


class InconclusiveWarning(TraingateWarning):
    """Warning that too few or too noisy launches left a comparison undecided."""


class CautionWarning(TraingateWarning):
    """Warning that a throughput may mislead.

    For example, bfloat16 is emulated on a CPU without instructions for it: the result is correct,
    but the speed says nothing about a CPU that has them.
    """
