"""Define the values that a measurement leaves behind, and the JSON schema that stores them."""

from traingate.records.decoding import decode
from traingate.records.encoding import encode
from traingate.records.launch import Counts, Duet, Launch, Pair
from traingate.records.measurement import (
    SCHEMA,
    Hardware,
    LayerRecord,
    Measurement,
    Published,
    stack_label,
)
from traingate.records.schema import from_json, to_json
from traingate.records.units import Interval
from traingate.records.verdict import Acceptance, AnchorResult, Cause, Method, Outcome, Verdict

__all__ = [
    "SCHEMA",
    "Acceptance",
    "AnchorResult",
    "Cause",
    "Counts",
    "Duet",
    "Hardware",
    "Interval",
    "Launch",
    "LayerRecord",
    "Measurement",
    "Method",
    "Outcome",
    "Pair",
    "Published",
    "Verdict",
    "decode",
    "encode",
    "from_json",
    "stack_label",
    "to_json",
]
