"""Read the log that oneDNN prints in its verbose mode. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from traingate.protocol.json_values import JSON


def parse_reorders(lines: Iterable[str]) -> list[dict[str, JSON]]:
    """Return the rows of ``reorders.count_reorders`` from the lines that oneDNN prints.

    A line has the fields ``onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,
    src:f32::blocked:abcd::f0 dst:f32::blocked:acdb::f0,,,8x64x56x56,0.1``. The last is the time in
    milliseconds.
    """
    rows: dict[tuple[str, str], list[float]] = {}
    for line in lines:
        fields = line.split(",")
        if not line.startswith("onednn_verbose") or "exec" not in fields:
            continue
        start = fields.index("exec")
        if fields[start + 2 : start + 3] != ["reorder"]:
            continue
        try:
            milliseconds = float(fields[-1])
        except ValueError:  # the line was cut
            continue
        layouts = next((text for text in fields if text.startswith("src")), "")
        row = rows.setdefault((layouts, fields[-2]), [0.0, 0.0])
        row[0] += 1
        row[1] += milliseconds / 1000
    ordered = sorted(rows.items(), key=lambda item: -item[1][1])
    return [
        {"layouts": layouts, "shape": shape, "calls": calls, "seconds": seconds}
        for (layouts, shape), (calls, seconds) in ordered
    ]
