"""Children without torch, each with one way to behave: ``python services.py NAME DIRECTORY``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from traingate.errors import ConfigurationError
from traingate.protocol import messages
from traingate.worker import serve


class Honest:
    """Steps of known length."""

    @property
    def handlers(self):
        return {messages.Step: self.step, messages.Finish: self.finish}

    def step(self, message):
        for number in range(message.count):
            self.body(number)
            yield messages.Stepped(0.25, 0.05)

    def body(self, number):
        """What a step does beside being counted."""

    def finish(self, _):
        yield messages.Finished(1 << 20, 0.0, {}, {})


class Killed(Honest):
    """Ends in its second step as the kernel ends a process that wants too much memory."""

    def body(self, number):
        if number == 1:
            print("about to be killed", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


class Hanging(Honest):
    """Never ends its second step."""

    def body(self, number):
        while number == 1:
            time.sleep(60)


class Raising(Honest):
    """User code that raises."""

    def body(self, number):
        raise ValueError("no such shape")


class Slower(Honest):
    """Takes twice as long."""

    def step(self, message):
        for _ in range(message.count):
            yield messages.Stepped(0.5, 0.05)


class Busy(Honest):
    """Computes until it is ended: it never notices that the rank beside it has died."""

    def body(self, number):
        while number == 1:
            pass


class Bereft(Honest):
    """Fails a moment after a rank beside it has died, as gloo does."""

    def body(self, number):
        if number == 1:
            time.sleep(0.2)
            raise RuntimeError("Connection closed by peer")


class Refusing(Honest):
    """A layer of ours that did not get what it asked for."""

    def body(self, number):
        raise ConfigurationError("malloc comes from elsewhere. Install it.")


class Exiting(Honest):
    """User code that calls sys.exit."""

    def body(self, number):
        sys.exit("enough")


class Spawning(Honest):
    """Leaves a process behind in a session of its own, where no killpg reaches it."""

    def body(self, number):
        child = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
        )
        print(f"spawned {child.pid}", flush=True)


class Foreign(Honest):
    """Speaks the protocol of another day."""

    def __init__(self):
        serve.PROTOCOL_VERSION = 999


class Stillborn(Honest):
    """Does not even start."""

    def __init__(self):
        print("libfoo.so is missing", flush=True)
        os._exit(3)


if __name__ == "__main__":
    serve.serve(Path(sys.argv[2]), globals()[sys.argv[1]])
