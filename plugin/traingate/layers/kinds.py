"""List the layers of traingate by their names, which are those of their fixtures and records."""

from __future__ import annotations

from typing import Any

from traingate import layers

KINDS: dict[str, type[Any]] = {
    kind.name: kind for kind in (getattr(layers, name) for name in layers.__all__)
}
"""Classes of the layers of traingate, by the names of their fixtures."""
