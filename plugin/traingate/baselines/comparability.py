"""Compare the hardware and the software of two measurements, to decide if they are comparable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from traingate.host.shared_libraries import preload_names
from traingate.records import Hardware

_TITLES: Final = {
    "cpu": "CPU",
    "architecture": "architecture",
    "cores": "cores",
    "numa_nodes": "NUMA nodes",
    "instruction_sets": "instruction sets",
}
"""Fields of Hardware that must be equal before step times are compared, with their titles."""

_ADDED_FACTS: Final = {
    "python_build": "build of Python",
    "kernel": "kernel",
    "libc": "C library",
    "transparent_huge_pages": "transparent huge pages",
    "huge_page_defragmentation": "defragmentation for huge pages",
    "governor": "frequency governor",
    "turbo": "turbo",
    "traingate": "traingate",
}
"""Keys of an environment that older records lack, with their titles. They are compared only if both
sides have them."""

_NOT_COMPARED: Final = {
    "variables", "packages", "package_sources", "other_packages", "steady", "steadying",
}  # fmt: skip
"""Keys that are compared item by item, or by their effect: steadying shows in the variables and in
the allocator."""

_LISTED_PACKAGES: Final = {"torchvision", "numpy", "intel-extension-for-pytorch", "torch-xla"}
"""Packages with a key of their own, which older records have instead of ``packages``."""

_OLDER_PREFIXES: Final = (
    "OMP_", "GOMP_", "KMP_", "MKL_", "MALLOC_", "LD_PRELOAD", "DNNL_", "ONEDNN_",
)  # fmt: skip
"""Beginnings of the names of the variables that records without ``packages`` have."""


def environment_changes(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return the differences in software and settings between the workers of two measurements.

    Nothing is said about facts that the record of one side is too old to have.

    Args:
        stored: ``Measurement.environment`` of the stored measurement, or of a duet's base.
        current: Environment of the current measurement, or of a duet's candidate.

    Returns:
        A line for each difference, such as ``torch: 2.8.0 there, 2.9.0 here``.
    """
    both_list_packages = "packages" in stored and "packages" in current
    old, new = (
        _settings(environment, both_list_packages=both_list_packages)
        for environment in (stored, current)
    )
    lines = {
        name: f"{title}: {old.get(name, 'unset')} there, {new.get(name, 'unset')} here"
        for name in {*old, *new}
        for title in [_ADDED_FACTS.get(name, name)]
        if old.get(name) != new.get(name)
        and (name not in _ADDED_FACTS or (name in old and name in new))
    }
    if both_list_packages:
        lines = {**package_changes(stored, current), **lines}
    return [line for _, line in sorted(lines.items())]


def package_changes(
    stored: Mapping[str, Any], current: Mapping[str, Any], *, imported_by_both: bool = False
) -> dict[str, str]:
    """Return the differences of packages, a line each, by the name of the package.

    A package that one side imports and the other only has installed, in the same version, is no
    difference of the environment: the code decides what it imports.

    Args:
        stored: Environment of the stored measurement.
        current: Environment of the current measurement.
        imported_by_both: True to leave out packages that one side has not imported.
    """
    old, new = stored.get("packages", {}), current.get("packages", {})
    old_installed = {**stored.get("other_packages", {}), **old}
    new_installed = {**current.get("other_packages", {}), **new}
    lines = {}
    for name in {*old, *new}:
        in_both = name in old and name in new
        if imported_by_both and not in_both:
            continue
        before = old_installed.get(name, "not installed")
        after = new_installed.get(name, "not installed")
        if before != after:
            lines[name] = f"{name}: {before} there, {after} here"
        elif in_both:
            sources = [side.get("package_sources", {}).get(name) for side in (stored, current)]
            if _digest(sources[0]) != _digest(sources[1]):
                origins = " and ".join(dict.fromkeys(map(_origin, sources)))
                contents = f"content {_digest(sources[0])} there, {_digest(sources[1])} here"
                lines[name] = f"{name} {before} from {origins}: {contents}"
    return lines


def _digest(source: Mapping[str, str] | None) -> str:
    """Return the identification of a package's content: a digest, or a fixed text for a release."""
    return "that of the release" if source is None else source.get("digest", "")


def _origin(source: Mapping[str, str] | None) -> str:
    """Return where a package comes from, in words."""
    return "a package index" if source is None else source.get("from", "")


def _settings(environment: Mapping[str, Any], *, both_list_packages: bool) -> dict[str, str]:
    """Return the values of an environment by name, each variable under its own name."""
    excluded_keys = _NOT_COMPARED | (_LISTED_PACKAGES if both_list_packages else set())
    software = {name: value for name, value in environment.items() if name not in excluded_keys}
    variables = {
        name: preload_names(value) if name == "LD_PRELOAD" else value
        for name, value in environment.get("variables", {}).items()
        if both_list_packages or name.startswith(_OLDER_PREFIXES)
    }
    values = {**software, **variables}
    return {name: str(value) for name, value in values.items() if value is not None}


def hardware_differences(stored: Hardware, current: Hardware) -> list[str]:
    """Return the differences that make the step times of two machines incomparable.

    Args:
        stored: Machine of the stored measurement.
        current: Machine of the current measurement.

    Returns:
        A line for each difference, such as ``cores: 8 there, 2 here``; empty if there is none.
    """
    lines = []
    for field, title in _TITLES.items():
        old, new = getattr(stored, field), getattr(current, field)
        # Older records have nothing but the architecture of an ARM CPU.
        is_unknown = field == "cpu" and stored.architecture in {old, new}
        if old == new or is_unknown:
            continue
        if isinstance(old, tuple):
            only_old = " ".join(sorted(set(old) - set(new))) or "none"
            only_new = " ".join(sorted(set(new) - set(old))) or "none"
            lines.append(f"{title}: only there {only_old}, only here {only_new}")
        else:
            lines.append(f"{title}: {old} there, {new} here")
    return lines
