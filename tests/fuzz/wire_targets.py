"""Messages of workers, and texts of options: any input is understood, or refused by its own error."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st
from mutations import JSON, NUMBERS, TEXTS, as_text, damaged_bytes, mutated

from sample_report import record_of
from traingate.baselines.comparability import environment_changes
from traingate.controller.child_failures import ChildFailures
from traingate.controller.child_logs import ChildLogs
from traingate.controller.command import Command
from traingate.controller.imported_files import digest_of_files
from traingate.errors import ConfigurationError, ProtocolError
from traingate.options import values
from traingate.options.marker import limits_of
from traingate.protocol import messages
from traingate.protocol.codec import decode, encode
from traingate.records import decode as decode_record
from traingate.records import encode as encode_record
from traingate.records.plausibility import check_environment
from traingate.records.results import SuiteResults, TestResult
from traingate.report.markdown import to_markdown
from traingate.report.results import failed_result, refused_result, suite_results

_VALID = [
    messages.Hello(messages.PROTOCOL_VERSION, "3.11.7", 0, 1),
    messages.Prepared(0.5, 8, None, 0, {"step": "pair"}),
    messages.Stepped(0.25, {"data": 0.05}, starts_epoch=False),
    messages.WarmedUp(0.5, compiled=True, data_workers=2),
    messages.Finished(1 << 20, 0.5, {"threads": 2}, {"a": ["b"]}),
    messages.WorkCounted(1e9, 12),
    messages.Failed("ValueError", "text", "Traceback"),
    messages.Failed("ConfigurationError", "lone \udcff", ""),
    messages.Finished(
        1 << 20, 0.5, {"a": 1}, {"a": ["\udcff"]}, environment={"torch": "2", "x": ["\ud800"]}
    ),
]
_CONTENTS = [{"type": type(message).__name__, **asdict(message)} for message in _VALID]

PAYLOADS = st.one_of(
    *(mutated(content).map(as_text) for content in _CONTENTS),
    st.sampled_from(_CONTENTS).flatmap(lambda content: damaged_bytes(as_text(content))),
    JSON.map(as_text),
    st.binary(max_size=100),
    st.integers(1, 200_000).map(lambda depth: b"[" * depth),
    st.tuples(st.sampled_from(["error", "message", "traceback"]), st.integers(1, 1 << 20)).map(
        lambda place: as_text({**asdict(_VALID[6]), "type": "Failed", place[0]: "x" * place[1]})
    ),
    st.integers(1, 5000).map(lambda length: b'{"type": "Step", "count": ' + b"9" * length + b"}"),
)


def check_payload(payload: bytes) -> None:
    """A payload is a message whose fields have their types, or a ProtocolError of bounded length."""
    try:
        message = decode(payload)
    except ProtocolError as error:
        assert len(str(error)) < 2000
        return
    assert isinstance(message, get_args(messages.Message))
    assert decode(encode(message)) == message
    for item in fields(message):
        value = getattr(message, item.name)
        if item.type in {"int", "float"}:
            assert not isinstance(value, bool)
            assert isinstance(value, (int, float))
            assert math.isfinite(value)
        if item.type == "str":
            assert isinstance(value, str)
    if isinstance(message, messages.Failed):
        _check_failure(message)
    if isinstance(message, messages.Finished):
        _check_texts_of_launch(message)


def _check_failure(failure: messages.Failed) -> None:
    """The error of a failure is of bounded length, and can be in all files of results."""
    failures = ChildFailures(Command((), {}), "launch 1", ChildLogs(Path("/nonexistent")))
    error = failures.reported(0, failure, "in step 2 of 5")
    assert str(error).startswith(
        ("launch 1, in step 2", "the workload raised in launch 1, in step 2")
    )
    assert len(str(error)) < 120_000
    _check_files(failed_result("a.py::test", None, str(error)))


def _check_texts_of_launch(finished: messages.Finished) -> None:
    """Reasons and environment of a launch can be in a record, and in all files of results."""
    try:
        check_environment(finished.environment)
    except ValueError:
        return  # refused by the controller too
    digest_of_files(finished.imported_files)
    reasons = {name: tuple(lines) for name, lines in finished.reasons.items()}
    record = msgspec.structs.replace(
        record_of(478.1), reasons=reasons, environment=dict(finished.environment)
    )
    assert decode_record(encode_record(record), type(record)) == record
    changes = environment_changes({}, finished.environment)
    _check_files(refused_result("a.py::test", "; ".join(changes)))


def _check_files(result: TestResult) -> None:
    """A result can be written as JSON and as Markdown, and is of bounded length there."""
    results = suite_results([result])
    tables = encode_record(results, indent=2)
    assert decode_record(tables, SuiteResults) == results
    markdown = to_markdown(results).encode()
    assert max(len(tables), len(markdown)) < 60_000


@dataclass(frozen=True)
class _Mark:
    """Marker of a test, as pytest gives it."""

    kwargs: dict[str, Any]
    args: tuple[Any, ...] = ()


_KEYWORDS = st.sampled_from(
    ["tolerance", "min_samples_per_second", "max_first_step_seconds", "max_peak_rss_bytes",
     "max_memory_growth_bytes_per_step", "accept_reason", "accept_slowdown", "accept_counters",
     "unknown", "__class__", "merge"]
)  # fmt: skip
_NUMERALS = st.one_of(
    NUMBERS.map(str),
    st.sampled_from(
        ["5%", "5 %", "%", "1e999", "nan", "-inf", "\uff11\uff12", "1_0", "0x5", " 5 ", "5%%"]
    ),
)
OPTIONS = st.one_of(
    st.tuples(st.just("text"), st.one_of(TEXTS, _NUMERALS)),
    st.tuples(
        st.just("marker"),
        st.lists(
            st.dictionaries(_KEYWORDS, st.one_of(JSON, _NUMERALS), max_size=4).map(_Mark),
            max_size=3,
        ),
    ),
)
_PARSERS = (
    values.positive_integer, values.positive_number, values.percent, values.names,
    values.named_path, values.nonempty, values.one_of("quick", "smoke"),
)  # fmt: skip


def check_options(value: tuple[str, Any]) -> None:
    """A text of an option, or a marker, is parsed into its range, or refused in words."""
    kind, content = value
    if kind == "marker":
        try:
            limits = limits_of(content)
        except ConfigurationError as error:
            assert str(error)
            return
        assert limits.tolerance is None or 0 < limits.tolerance < 50
        return
    for parse in _PARSERS:
        try:
            result = parse(content)
        except argparse.ArgumentTypeError as error:
            assert str(error)
            continue
        if isinstance(result, (int, float)):
            assert 0 < result < math.inf
