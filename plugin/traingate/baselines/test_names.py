"""Tell which tests are named by a full name, by what holds a test, or by the end of a name."""

from __future__ import annotations

from collections.abc import Collection


def is_part_of(test: str, name: str) -> bool:
    """Return whether *name* names *test*, or a class, a file, or a function that holds it.

    Args:
        test: Full name of a test.
        name: Full name of a test, a class, a file, or a function.
    """
    return test == name or test.startswith((f"{name}::", f"{name}["))


def is_named(test: str, names: Collection[str]) -> bool:
    """Return whether a test is selected by one of several names.

    Args:
        test: Full name of a test.
        names: Full names of tests; of files, classes, or functions, for all tests in them; or the
            ends of full names, from a ``::`` or a ``/`` on.
    """
    path, _, name = test.partition("::")
    ends = [test, *(name.split("::", number)[-1] for number in range(name.count("::") + 1))]
    ends += [f"{path.split('/', number)[-1]}::{name}" for number in range(1, path.count("/") + 1)]
    return any(is_part_of(end, each) for end in ends for each in names)
