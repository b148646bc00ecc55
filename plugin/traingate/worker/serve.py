"""The child's end of a connection: answer commands in turn, and end when the controller does."""

from __future__ import annotations

import os
import platform
import queue
import signal
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from traingate.errors import TraingateError
from traingate.protocol.channel import Channel, connect
from traingate.protocol.messages import PROTOCOL_VERSION, Failed, Hello, Message
from traingate.protocol.ranks import rank_place

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Intel's OpenMP registers itself
_PACKAGE = Path(__file__).resolve().parents[1]


class Service(Protocol):
    """What a child does: for each kind of message that it knows, the answers."""

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], Iterable[Message]]]:
        """By type of message, a function that yields the answers as they come to be."""


def serve(directory: Path, make: Callable[[], Service]) -> None:
    """Join the meeting in ``directory`` and answer until the controller closes it."""
    channel, descriptor = connect(directory)
    # A forked data worker would hold this end open, and the controller would not see it die.
    own = os.getpid()

    def close_in_child() -> None:
        if os.getppid() == own:  # in a grandchild the number may be another file's
            os.close(descriptor)

    os.register_at_fork(after_in_child=close_in_child)
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    try:
        threading.Thread(target=_read, args=(channel, inbox), daemon=True).start()
        service = make()
        here = rank_place()
        python = platform.python_version()
        channel.send(Hello(PROTOCOL_VERSION, python, here.rank, here.world_size))
        while True:
            message = inbox.get()
            for answer in service.handlers[type(message)](message):
                channel.send(answer)
    except BaseException as error:  # a workload may call sys.exit()
        # Where sending failed because the controller is gone, this fails too, and ends us.
        trace = "" if isinstance(error, TraingateError) else user_traceback(error)
        channel.send(Failed(type(error).__name__, str(error), trace))
        inbox.get()  # the reading thread ends this process once the controller has read it


def _read(channel: Channel, inbox: queue.SimpleQueue[Message]) -> None:
    """Pass messages on; end the process when there are no more, whatever it is doing."""
    try:
        while True:
            inbox.put(channel.receive())
    except (EOFError, OSError):
        _end()


def _end() -> None:
    """End this process and, where it leads a process group of its own, all of the group."""
    for left in _SHARED_MEMORY.glob(f"__KMP_REGISTERED_LIB_{os.getpid()}_*"):
        left.unlink(missing_ok=True)  # Intel's OpenMP would do so at a normal exit
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def user_traceback(error: BaseException) -> str:
    """The traceback of ``error``, cut down to the user's own frames where there are any."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    own = [frame for frame in frames if _is_users(frame.filename)]
    lines = traceback.format_list(own or frames)
    return "".join([*lines, *traceback.format_exception_only(type(error), error)]).rstrip()


def _is_users(filename: str) -> bool:
    libraries = {sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")}
    inside = any(Path(filename).is_relative_to(library) for library in libraries)
    return not (inside or filename.startswith("<") or "site-packages" in filename)
