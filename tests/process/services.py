"""Child processes without torch, which ``python services.py NAME DIRECTORY`` starts.

Each class has a behaviour of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from traingate.errors import ConfigurationError
from traingate.protocol import messages
from traingate.worker import serve


class Regular:
    """Service that answers each message; its steps have a fixed length."""

    @property
    def handlers(self):
        return {messages.Step: self.step, messages.Finish: self.finish}

    def step(self, message):
        for number in range(message.count):
            self.body(number)
            yield messages.Stepped(0.25, {"data": 0.05}, starts_epoch=False)

    def body(self, number):
        """Do the work of step *number*; nothing here."""

    def finish(self, _):
        yield messages.Finished(1 << 20, 0.0, {}, {})


class Killed(Regular):
    """Service that is killed in its second step, as by the kernel when memory runs out."""

    def body(self, number):
        if number == 1:
            print("about to be killed", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


class Hanging(Regular):
    """Service that sleeps forever in its second step."""

    def body(self, number):
        while number == 1:
            time.sleep(60)


class ShuttingDown(Regular):
    """Service that shuts its connection down in its second step."""

    def body(self, number):
        if number == 1:
            for descriptor in range(3, 256):
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as each:
                    each.shutdown(socket.SHUT_RDWR)
            time.sleep(600)


class Printing(Regular):
    """Service that prints 8 MiB in each step, and then takes its time."""

    def body(self, number):
        for _ in range(8):
            os.write(1, b"x" * (1 << 20))
        time.sleep(0.2)


class PrintingWithoutFolder(Printing):
    """Service that prints as ``Printing``, after it has removed the folder of its launch."""

    def body(self, number):
        if number == 0:  # never tempfile.gettempdir(), which is /tmp once the folder is gone
            shutil.rmtree(os.environ["TRAINGATE_LAUNCH"], ignore_errors=True)
        super().body(number)


class Raising(Regular):
    """Service whose user code raises an exception."""

    def body(self, number):
        raise ValueError("no such shape")


class Slower(Regular):
    """Service whose steps take twice as long."""

    def step(self, message):
        for _ in range(message.count):
            yield messages.Stepped(0.5, {"data": 0.05}, starts_epoch=False)


class Busy(Regular):
    """Service that computes until it is ended, and does not notice that another rank has died."""

    def body(self, number):
        while number == 1:
            pass


class WithoutPeer(Regular):
    """Service that fails shortly after another rank has died, as gloo does."""

    def body(self, number):
        if number == 1:
            time.sleep(0.2)
            raise RuntimeError("Connection closed by peer")


class Refusing(Regular):
    """Service with a layer of traingate that cannot take effect."""

    def body(self, number):
        raise ConfigurationError("malloc comes from elsewhere. Install it.")


class Exiting(Regular):
    """Service whose user code calls sys.exit."""

    def body(self, number):
        sys.exit("enough")


class Spawning(Regular):
    """Service that starts a process in another session, which killpg does not reach."""

    def body(self, number):
        child = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
        )
        print(f"spawned {child.pid}", flush=True)


class SpawningWithoutEnvironment(Regular):
    """Service that starts a process which has nothing by which it could be found but its parent."""

    def body(self, number):
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env={}
        )


class Computing(Regular):
    """Service whose first step leaves a computing thread, and a computing process in another session."""

    started = False

    def body(self, number):
        if not self.started:
            self.started = True
            threading.Thread(target=self.compute, daemon=True).start()
            self.start_process()

    def start_process(self):
        subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)

    def compute(self):
        while True:
            pass


class ComputingInADaemon(Computing):
    """Service as ``Computing`` whose process has no parent but the one that adopts orphans."""

    def start_process(self):
        script = "import os\nif not os.fork():\n    os.setsid()\n    while True: pass"
        subprocess.run([sys.executable, "-c", script], check=True)


class OtherVersion(Regular):
    """Service with another version of the protocol."""

    def __init__(self):
        serve.PROTOCOL_VERSION = 999


class NotStarting(Regular):
    """Service that exits before it connects."""

    def __init__(self):
        print("libfoo.so is missing", flush=True)
        os._exit(3)


if __name__ == "__main__":
    serve.serve(Path(sys.argv[2]), globals()[sys.argv[1]])
