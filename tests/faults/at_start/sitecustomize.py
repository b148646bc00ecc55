"""Let a worker fail before it has connected, if the variable says so; Python imports this itself."""

import os
import signal
import sys
import time

FAULT = os.environ.get("TRAINGATE_TEST_FAULT_AT_START")


class OtherVersion:
    """Finder that changes the version of the protocol when torch is imported."""

    def find_spec(self, name, *_):
        serve = sys.modules.get("traingate.worker.serve")
        if name == "torch" and serve is not None:
            serve.PROTOCOL_VERSION = 999


def is_worker():
    return any(argument.endswith("worker/main.py") for argument in sys.orig_argv)


if FAULT and is_worker():
    print("last words before the start", flush=True)
    if FAULT == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "exits":
        os._exit(3)
    if FAULT == "hangs":
        time.sleep(600)
    if FAULT == "other version":
        sys.meta_path.insert(0, OtherVersion())
