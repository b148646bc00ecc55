"""Find shared libraries to preload, and determine which library a process really uses.

Allocators and OpenMP runtimes are preloaded by LD_PRELOAD, and the dynamic loader runs the program
even if one of them is missing. So the parent searches for them, and the worker checks which ones
it runs with. Both import this module, so it imports the standard library alone.
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

FURTHER_FOLDER_VARIABLE: Final = "TRAINGATE_LIBRARIES"
"""Environment variable with a folder to search last: that of the environment that pytest runs in,
if another interpreter searches."""

_MAPS: Final = Path("/proc/self/maps")
_SYSTEM_FOLDERS: Final = ("/usr/local/lib", "/usr/local/lib64", "/usr/lib64", "/usr/lib", "/lib")
_ELF_CLASS: Final = slice(0, 5)
"""Bytes of the magic number and of EI_CLASS in an ELF header, see elf(5)."""
_ELF_MACHINE: Final = slice(18, 20)
"""Bytes of e_machine in an ELF header."""


@cache
def find_library(stem: str) -> Path | None:
    """Return the path of a shared library that this process could preload, None if there is none.

    The search covers the folder that conda and pip install to (the environment's ``lib``),
    Debian's folder for this architecture, the usual system folders, and last the cache of the
    dynamic loader. Files for another architecture are skipped.

    Args:
        stem: Name without prefix and suffix: ``tcmalloc`` for ``libtcmalloc.so`` or
            ``libtcmalloc.so.4``.
    """
    for folder in _folders():
        library = _select(folder.glob(f"lib{stem}.so*"), stem)
        if library is not None:
            return library
    return _select(_loader_cache(), stem)


def _folders() -> Iterator[Path]:
    """Yield the folders to search, in the order of precedence."""
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
    if FURTHER_FOLDER_VARIABLE in os.environ:
        yield Path(os.environ[FURTHER_FOLDER_VARIABLE])


def _loader_cache() -> list[Path]:
    """Return the libraries in the cache of the dynamic loader."""
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


def _select(files: Iterable[Path], stem: str) -> Path | None:
    """Return the file of this architecture with the plain name, else with the highest version."""
    pattern = re.compile(rf"lib{re.escape(stem)}\.so((?:\.\d+)*)")
    versions = [(match[1], file) for file in files if (match := pattern.fullmatch(file.name))]
    for _, file in sorted(versions, key=_precedence, reverse=True):
        if _has_own_architecture(file):
            return file
    return None


def _precedence(item: tuple[str, Path]) -> tuple[bool, list[int]]:
    """Return a key that sorts versions such as ``.4.5`` by number, and the plain name last."""
    version = item[0]
    return not version, [int(part) for part in version.split(".")[1:]]


def _has_own_architecture(file: Path) -> bool:
    """Return whether *file* is built for the architecture of this interpreter."""
    own, other = (_elf_header(path) for path in (Path(sys.executable), file))
    return own == other and own is not None


def _elf_header(path: Path) -> tuple[bytes, bytes] | None:
    """Return the class and the machine that an ELF file is built for, None for other files."""
    try:
        with path.open("rb") as file:
            header = file.read(_ELF_MACHINE.stop)
    except OSError:
        return None
    return (header[_ELF_CLASS], header[_ELF_MACHINE]) if header.startswith(b"\x7fELF") else None


class _SymbolInfo(ctypes.Structure):
    """The structure ``Dl_info`` of dladdr(3)."""

    _fields_ = (
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
    )


def library_serving(symbol: str, caller: Path | None = None) -> str | None:
    """Return the file name of the library that a call of *symbol* reaches in this process.

    Args:
        symbol: Name of a C function.
        caller: Path of a loaded library, whose own dependencies are searched if no library in
            the global scope defines the symbol.

    Returns:
        Name of the file, None if no library defines the symbol.
    """
    process = ctypes.CDLL(None)
    if not hasattr(process, symbol) and caller is not None:
        process = ctypes.CDLL(str(caller), mode=os.RTLD_NOLOAD)
    try:
        address = ctypes.cast(getattr(process, symbol), ctypes.c_void_p)
        info = _SymbolInfo()
        status = process.dladdr(address, ctypes.byref(info))  # 0 means failure
    except AttributeError:
        return None
    return Path(os.fsdecode(info.dli_fname)).name if status and info.dli_fname else None


def loaded_library(stem: str) -> Path | None:
    """Return the path of the library ``lib<stem>`` if this process has loaded it, else None."""
    pattern = re.compile(rf"lib{re.escape(stem)}[.\-]")
    return next((path for path in loaded_libraries() if pattern.match(path.name)), None)


def loaded_libraries() -> list[Path]:
    """Return the paths of the shared libraries that this process has loaded, each once."""
    try:
        lines = _MAPS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    # The format is "address permissions offset device inode path" (proc(5)).
    paths = dict.fromkeys(line.split(maxsplit=5)[5] for line in lines if ".so" in line)
    return [Path(path) for path in paths]


def allocator_name() -> str | None:
    """Return the file name of the library that ``malloc`` comes from in this process."""
    return library_serving("malloc")


def tensor_allocator_name() -> str | None:
    """Return the name of the allocator of torch's tensors; that of ``malloc`` unless torch has one.

    torch's wheels for AArch64 contain mimalloc in ``libc10``, and take the memory of tensors from
    it, whatever serves ``malloc``.
    """
    library = loaded_library("c10")
    if library is not None and _contains(library, b"mimalloc"):
        return f"mimalloc in {library.name}"
    return allocator_name()


@cache
def _contains(library: Path, text: bytes) -> bool:
    """Return whether a file contains *text*; False if it cannot be read."""
    try:
        return text in library.read_bytes()
    except OSError:
        return False


def openmp_name() -> str | None:
    """Return the file name of the OpenMP runtime that torch's parallel regions call.

    The wheels of torch contain a runtime under a name of its own, outside the global scope of the
    process, so the dependencies of ``libtorch_cpu`` are searched too.
    """
    return library_serving("GOMP_parallel", loaded_library("torch_cpu"))


def preload_names(preloads: str) -> str:
    """Return a value of ``LD_PRELOAD`` with the names of the libraries instead of their paths.

    Args:
        preloads: Paths or names, separated by colons or spaces (ld.so(8)).
    """
    return ":".join(Path(path).name for path in re.split(r"[:\s]+", preloads) if path)


def find_program(name: str) -> str | None:
    """Return the path of a program in this interpreter's folder, else on PATH; None if absent."""
    folder = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join([folder, os.environ.get("PATH", "")]))
