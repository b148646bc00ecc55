"""Shared libraries that a process starts with: where they are, and which one really serves.

Allocators and OpenMP runtimes come by LD_PRELOAD, and a missing one is passed over in silence.
Loaded by the parent, which looks for them, and by the worker, which looks at what it got:
standard library only.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

_MAPS: Final = Path("/proc/self/maps")
_SYSTEM_FOLDERS: Final = ("/usr/local/lib", "/usr/local/lib64", "/usr/lib64", "/usr/lib", "/lib")
_ELF_MACHINE: Final = slice(18, 20)
_ELF_CLASS: Final = slice(0, 5)


@cache
def find_library(stem: str) -> Path | None:
    """The shared library ``lib<stem>.so``, versioned or not, that this process could preload.

    Looked for where conda and pip put it (the environment's ``lib``), where Debian does (its
    folder of this architecture), in the usual system folders, and in the loader's own cache.
    Files of another architecture are passed over.
    """
    for folder in _folders():
        found = _best(folder.glob(f"lib{stem}.so*"), stem)
        if found is not None:
            return found
    return _best(_cached(), stem)


def _folders() -> Iterator[Path]:
    for variable in ("CONDA_PREFIX", "VIRTUAL_ENV"):
        if variable in os.environ:
            yield Path(os.environ[variable]) / "lib"
    yield Path(sys.prefix) / "lib"
    if site.ENABLE_USER_SITE:
        yield Path(site.getuserbase()) / "lib"
    multiarch = sysconfig.get_config_var("MULTIARCH")
    if multiarch:
        yield from (Path(root) / multiarch for root in ("/usr/local/lib", "/usr/lib", "/lib"))
    yield from map(Path, _SYSTEM_FOLDERS)


def _cached() -> list[Path]:
    """What the loader's cache lists."""
    command = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if command is None:
        return []
    try:
        listing = subprocess.run(  # noqa: S603 - a fixed command, no shell
            [command, "-p"], capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [Path(line.rpartition(" => ")[2]) for line in listing.splitlines() if " => " in line]


def _best(files: Iterable[Path], stem: str) -> Path | None:
    """Of the files named ``lib<stem>.so``, the plain one, else that of the highest version."""
    pattern = re.compile(rf"lib{re.escape(stem)}\.so((?:\.\d+)*)")
    versions = [(match[1], file) for file in files if (match := pattern.fullmatch(file.name))]
    for _, file in sorted(versions, key=_rank, reverse=True):
        if _of_this_architecture(file):
            return file
    return None


def _rank(item: tuple[str, Path]) -> tuple[bool, list[int]]:
    version = item[0]
    return not version, [int(part) for part in version.split(".")[1:]]


def _of_this_architecture(file: Path) -> bool:
    own, other = (_elf_header(path) for path in (Path(sys.executable), file))
    return own == other and own is not None


def _elf_header(path: Path) -> tuple[bytes, bytes] | None:
    try:
        with path.open("rb") as file:
            head = file.read(_ELF_MACHINE.stop)
    except OSError:
        return None
    return (head[_ELF_CLASS], head[_ELF_MACHINE]) if head.startswith(b"\x7fELF") else None


class _Symbol(ctypes.Structure):
    """``Dl_info`` of ``dladdr(3)``."""

    _fields_ = (
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
    )


def library_serving(symbol: str, caller: Path | None = None) -> str | None:
    """File name of the library that a call of ``symbol`` reaches in this process.

    Args:
        symbol: name of a function.
        caller: a library that is loaded already, whose own dependencies are looked through where
            no library that every other one can see has the symbol.
    """
    process = ctypes.CDLL(None)
    if not hasattr(process, symbol) and caller is not None:
        process = ctypes.CDLL(str(caller), mode=os.RTLD_NOLOAD)
    try:
        address = ctypes.cast(getattr(process, symbol), ctypes.c_void_p)
        found = _Symbol()
        known = process.dladdr(address, ctypes.byref(found))
    except AttributeError:
        return None
    return Path(os.fsdecode(found.dli_fname)).name if known and found.dli_fname else None


def loaded_library(stem: str) -> Path | None:
    """The library ``lib<stem>`` in this process's memory, None if there is none."""
    try:
        lines = _MAPS.read_text().splitlines()
    except OSError:
        return None
    paths = (Path(line.split(maxsplit=5)[-1]) for line in lines if ".so" in line)
    return next((path for path in paths if re.match(rf"lib{stem}[.\-]", path.name)), None)


def allocator() -> str | None:
    """File name of the library that ``malloc`` comes from in this process."""
    return library_serving("malloc")


def openmp() -> str | None:
    """File name of the OpenMP runtime that torch's parallel regions reach in this process.

    torch's wheels bring a runtime for themselves alone, under a name of its own.
    """
    return library_serving("GOMP_parallel", loaded_library("torch_cpu"))


def find_program(name: str) -> str | None:
    """Path of a program beside this interpreter, or else on PATH."""
    folder = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join([folder, os.environ.get("PATH", "")]))
