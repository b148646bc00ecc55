"""Let pytest-benchmark save a run as a whole file, and never over another one.

It writes a file in place, so that a session which is killed meanwhile leaves a part of one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from traingate.untrusted.files import create_atomically

_ATTEMPTS: Final = 20
"""Numbers that are tried if other sessions, which take no lock, take them at the same time."""


@contextlib.contextmanager
def whole_saves() -> Iterator[list[Path]]:
    """Replace the method of pytest-benchmark that saves a file, and yield those that are saved.

    A conftest file that has replaced this method has its way: its files are not known here.
    """
    from pytest_benchmark.storage import file  # noqa: PLC0415 - may be not installed
    from pytest_benchmark.utils import safe_dumps  # noqa: PLC0415

    storage_class: Any = file.FileStorage  # pytest-benchmark has no types
    files: list[Path] = []
    original = storage_class.save

    def save(storage: Any, output_json: dict[str, Any], name: str) -> None:
        text = safe_dumps(output_json, ensure_ascii=True, indent=4)  # type: ignore[no-untyped-call]
        files.append(_create(storage, name, text.encode()))
        storage.logger.info(f"Saved benchmark data in: {files[-1]}")

    # functools.wraps gives a replacement the name of the same module.
    code = getattr(original, "__code__", None)
    if code is not None and code.co_filename == file.__file__:
        storage_class.save = save
    try:
        yield files
    finally:
        storage_class.save = original


def _create(storage: Any, name: str, content: bytes) -> Path:
    """Make the file of a run under the next free number, and return its path.

    Args:
        storage: FileStorage of pytest-benchmark.
        name: Name of the run.
        content: Content of the file.

    Raises:
        OSError: If it cannot be written, or if all numbers tried are taken.
    """
    attempt = 0
    while True:
        file: Path = storage.get(f"{storage._next_num}_{name}.json")
        attempt += 1
        try:
            create_atomically(file, content)
        except FileExistsError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return file
