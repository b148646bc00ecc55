"""Answer the controller's commands one after the other, and end when the controller does."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from traingate.errors import ProtocolError, TraingateError
from traingate.imports.library_paths import is_library_path
from traingate.protocol.channel import Channel, connect
from traingate.protocol.messages import PROTOCOL_VERSION, Failed, Hello, Message
from traingate.protocol.ranks import rank_place
from traingate.protocol.shared_names import (
    COMMAND_REFUSED,
    CONNECTION_ENDED,
    INTEL_OPENMP_FILES,
    STACK_SIGNAL,
)
from traingate.untrusted.plain_text import shortened
from traingate.worker.descendants import adopt_orphans, kill_descendants

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Intel's OpenMP registers itself
_PACKAGE = Path(__file__).resolve().parents[1]

_MAX_NAME = 1000
"""Largest number of characters of the name of an exception's type."""

_MAX_TEXT = 20_000
"""Largest number of characters of an exception that is reported; of a longer one, both ends."""


class Service(Protocol):
    """Work of a child process, by type of command."""

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], Iterable[Message]]]:
        """Return for each type of command the function that yields the answers to it."""


def serve(directory: Path, make: Callable[[], Service]) -> None:
    """Connect to the controller and answer its commands until it closes the connection.

    Args:
        directory: Private directory of the controller's listener.
        make: Function that makes the service; it is called once the connection is open.
    """
    faulthandler.enable(all_threads=False)
    faulthandler.register(STACK_SIGNAL, all_threads=True)
    adopt_orphans()
    channel, descriptor = connect(directory)
    # A forked data worker would keep the connection open, so that the controller would not notice
    # the end of this process.
    service_pid = os.getpid()

    def close_in_child() -> None:
        if (
            os.getppid() == service_pid
        ):  # in a grandchild, the descriptor may be that of another file
            os.close(descriptor)

    os.register_at_fork(after_in_child=close_in_child)
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    try:
        threading.Thread(target=_read, args=(channel, inbox, directory), daemon=True).start()
        service = make()
        place = rank_place()
        python = platform.python_version()
        channel.send(Hello(PROTOCOL_VERSION, python, place.rank, place.world_size))
        while True:
            message = inbox.get()
            _continue_group()
            for answer in service.handlers[type(message)](message):
                channel.send(answer)
    except BaseException as error:  # a workload may call sys.exit()
        trace = "" if isinstance(error, TraingateError) else user_traceback(error)
        failure = Failed(
            type(error).__name__[:_MAX_NAME],
            shortened(_text_of(error), _MAX_TEXT),
            shortened(trace, _MAX_TEXT),
        )
        is_sent = False
        with contextlib.suppress(OSError):
            channel.send(failure)
            is_sent = True
        if not is_sent:  # the connection is closed: only the log can tell of the failure
            raise
        inbox.get()  # waits until the controller closes the connection, which ends this process


def _continue_group() -> None:
    """Let the other processes of this group continue, if this process leads the group.

    The controller stops the whole group (``controller.freezing``) but continues the leader alone.
    So data workers start to fetch when this process starts its next step, and not earlier.
    """
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGCONT)


def _read(channel: Channel, inbox: queue.SimpleQueue[Message], directory: Path) -> None:
    """Put messages into *inbox*; end the process, even during a step, when the connection ends."""
    try:
        while True:
            inbox.put(channel.receive())
    except (EOFError, OSError):
        # If the workload has shut the connection down, the file tells the controller.
        with contextlib.suppress(OSError):
            (directory / CONNECTION_ENDED).touch()
        _end()
    except ProtocolError as error:
        # The main thread may be sending an answer, so that this one cannot.
        text = f"traingate: a command of the controller cannot be read, {error}\n"
        with contextlib.suppress(OSError):
            os.write(2, text.encode(errors="backslashreplace"))
        with contextlib.suppress(OSError):
            (directory / COMMAND_REFUSED).touch()
        _end()


def _end() -> None:
    """End this process, all that it started, and its whole process group if it leads one."""
    kill_descendants()
    for file in _SHARED_MEMORY.glob(f"{INTEL_OPENMP_FILES}{os.getpid()}_*"):
        file.unlink(missing_ok=True)  # Intel's OpenMP removes it at a normal exit only
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _text_of(error: BaseException) -> str:
    """Return the text of *error*, whose own method may raise."""
    try:
        return str(error)
    except Exception:
        return f"the text of this {type(error).__name__} cannot be read"


def user_traceback(error: BaseException) -> str:
    """Return the traceback of *error* with the frames of the user's code only.

    If there are none, the frames of all code but traingate's are kept.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    user_frames = [frame for frame in frames if _is_user_code(frame.filename)]
    lines = traceback.format_list(user_frames or frames)
    return "".join([*lines, *traceback.format_exception_only(type(error), error)]).rstrip()


def _is_user_code(filename: str) -> bool:
    """Return True for a file that belongs neither to Python nor to an installed package."""
    return not (filename.startswith("<") or is_library_path(Path(filename)))
