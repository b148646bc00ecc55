"""Say which requirements of a stack this interpreter meets: ``python examine_layers.py``.

It reads ``{"layers": ..., "import_paths": ...}`` from standard input, where the layers are those of
``Stack.factories``, and writes an object with these keys to standard output:

    findings   for each layer a pair: the reason why it cannot run, and its caution; or null
    request    the merged request for how the worker's process is to be started

It imports no torch.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from main import import_package  # type: ignore[import-not-found] # run by path, in its folder


def main() -> None:
    """Answer one question."""
    import_package()
    from traingate.layers.stack import Stack, rebuild  # noqa: PLC0415 - needs import_package

    output, sys.stdout = sys.stdout, sys.stderr  # what a user's module prints is no answer
    question = json.load(sys.stdin)
    sys.path[:0] = question["import_paths"]
    stack = Stack(tuple(rebuild(question["layers"])))
    answer = {
        "findings": [[layer.unavailable(), layer.caution()] for layer in stack.layers],
        "request": dataclasses.asdict(stack.process()),
    }
    json.dump(answer, output)


if __name__ == "__main__":
    main()
