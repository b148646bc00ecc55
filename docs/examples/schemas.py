"""Write the JSON Schemas of the results, of the history and of races to docs/schemas/.

Run it as ``python docs/examples/schemas.py``; tests/unit/test_docs.py fails if they are stale.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from traingate.records.history import History
from traingate.records.race import Race
from traingate.records.results import SuiteResults

FOLDER = Path(__file__).resolve().parents[1] / "schemas"
SCHEMAS = {"results.json": SuiteResults, "history.json": History, "race.json": Race}


def schema_text(kind: type) -> str:
    """Return the JSON Schema of a record."""
    return json.dumps(msgspec.json.schema(kind), indent=1) + "\n"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, kind in SCHEMAS.items():
        (FOLDER / name).write_text(schema_text(kind))


if __name__ == "__main__":
    main()
