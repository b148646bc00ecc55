"""Find texts that a function takes more time for than in proportion to their length.

Each text is one part many times over. The check runs in a process of its own, which the kernel ends
if a text takes minutes. It looks at times of the processor, so that other processes do not matter.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Final

_RATIO: Final = 8
"""Ratio of the two lengths of each text."""

_MOST: Final = 20
"""Largest ratio of the times. With the square of the length it is 64, plus what is noise."""

_NOISE_SECONDS: Final = 0.05
_ATTEMPTS: Final = 3
_CPU_SECONDS: Final = 60


def superlinear(
    function: Callable[[str], object], texts: Iterable[tuple[str, str]], length: int
) -> list[tuple[str, str]]:
    """Return the texts whose time grows far more than their length.

    Args:
        function: Function of a text.
        texts: For each text its beginning, and the part that follows many times over.
        length: Number of characters of the longer form of each text.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    return [
        (beginning, part)
        for beginning, part in texts
        if all(_is_superlinear(function, beginning, part, length) for _ in range(_ATTEMPTS))
    ]


def _is_superlinear(
    function: Callable[[str], object], beginning: str, part: str, length: int
) -> bool:
    short, long = (
        _cpu_seconds(function, beginning + part * (size // len(part)))
        for size in (length // _RATIO, length)
    )
    return long > _MOST * short + _NOISE_SECONDS


def _cpu_seconds(function: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    function(text)
    return time.process_time() - start


def superlinear_texts(program: str) -> str:
    """Return what a program prints that prints texts of ``superlinear``, in a process of its own.

    Raises:
        CalledProcessError: If it fails, or takes too long.
    """
    paths = f"import sys; sys.path[:0] = {sys.path!r}\n"
    return subprocess.check_output([sys.executable, "-c", paths + program], text=True)
