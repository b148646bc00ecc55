"""Draw profiles as a flame graph of modules and operators, one HTML file that works offline.

The colours are those of differential flame graphs (B. Gregg, "The Flame Graph", CACM 59, 2016): the
width is the time now, red is slower, blue faster. The page is drawn by d3-flame-graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from traingate.causes.alignment import with_modules_of
from traingate.records.profile import Cell, Profile
from traingate.report.page import asset, content_security_policy, inline, page_environment

FLAME_GRAPH_SCRIPTS: Final = ("d3.min.js", "d3-flamegraph.umd.min.js", "flame_graph.js")
"""Scripts of a page with a flame graph, in their order."""

FLAME_GRAPH_STYLES: Final = ("d3-flamegraph.css", "flame_graph.css")
"""Style sheets of a page with a flame graph."""

MAX_DEPTH: Final = 50
"""Number of nested modules that a flame graph shows: Python, JSON and the page nest no more than
some hundred frames."""


@dataclass
class Frame:
    """Phase, module or operator, with all that is inside of it.

    Attributes:
        name: Name of this part alone.
        now: Seconds per step of the candidate.
        base: Seconds per step of the base.
        children: Parts of it, by name.
    """

    name: str
    now: float = 0.0
    base: float = 0.0
    children: dict[str, Frame] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the frame for the page, in milliseconds, the longest children first."""
        children = sorted(self.children.values(), key=lambda child: -max(child.now, child.base))
        return {
            "name": self.name,
            "now": 1000 * self.now,
            "base": 1000 * self.base,
            "children": [child.as_json() for child in children],
        }


def frames(candidate: Profile, base: Profile | None) -> Frame:
    """Return the step as a tree of phases, modules and operators.

    The modules that are nested more deeply than ``MAX_DEPTH`` are one frame.

    Args:
        candidate: Profile that the widths are of.
        base: Profile to compare with; None for a flame graph of one side.
    """
    root = Frame("step")
    for cell in candidate.cells:
        for frame in _path(root, cell):
            frame.now += cell.seconds
    for cell in with_modules_of(candidate, base).cells if base else ():
        for frame in _path(root, cell):
            frame.base += cell.seconds
    return root


def render_flame_graph(
    title: str, subtitle: str, candidate: Profile, base: Profile | None = None
) -> str:
    """Return the page.

    Args:
        title: Title of the page.
        subtitle: Sentence under the title.
        candidate: Profile that the widths are of.
        base: Profile to compare with; None for a flame graph of one side.
    """
    scripts = [asset(name) for name in (*FLAME_GRAPH_SCRIPTS, "flame_graph_page.js")]
    template = page_environment().get_template("flame_graph.html")
    return template.render(
        title=title,
        subtitle=subtitle,
        frames=frames(candidate, base).as_json(),
        has_base=base is not None,
        policy=content_security_policy(scripts),
        scripts=inline(scripts),
        styles=inline([asset(name) for name in FLAME_GRAPH_STYLES]),
    )


def collapsed_stacks(profile: Profile) -> str:
    """Return a profile as lines ``frame;frame;frame microseconds``, as speedscope reads them."""
    lines = []
    for cell in profile.cells:
        names = [name.replace(";", ",") for name in _names(cell)]
        lines.append(f"{';'.join(names)} {round(1e6 * cell.seconds)}")
    return "\n".join(lines) + "\n"


def _path(root: Frame, cell: Cell) -> Iterator[Frame]:
    """Yield the frames from the root to that of a cell; those that are missing are added."""
    frame = root
    yield frame
    phase, *modules, operator = _names(cell)
    if len(modules) > MAX_DEPTH:
        modules[MAX_DEPTH - 1 :] = [".".join(modules[MAX_DEPTH - 1 :])]
    for name in (phase, *modules, operator):
        frame = frame.children.setdefault(name, Frame(name))
        yield frame


def _names(cell: Cell) -> list[str]:
    modules = cell.module.split(".") if cell.module else []
    return [cell.phase, *modules, cell.operator]
