"""Limits of one test: read from its markers, and checked against what was measured."""

import math
from dataclasses import dataclass

import pytest

from traingate.errors import ConfigurationError
from traingate.gate.limits import Limits, violations
from traingate.options import limits_of
from traingate.worker.memory import median_growth


@dataclass
class Values:
    samples_per_second: float = 100.0
    first_step_seconds: float = 0.5
    peak_rss_bytes: int = 1000
    rss_growth_bytes_per_step: float | None = 10.0


def limits(*keywords):
    """Return the limits of markers with these keywords, the closest one first."""
    return limits_of(pytest.mark.traingate(**each).mark for each in keywords)


@pytest.mark.parametrize(
    ("limit", "value", "next_value", "complaint"),
    [
        ("min_samples_per_second", "samples_per_second", math.nextafter(100, 0), "100 samples/s, and the marker asks for at least 100"),
        ("max_first_step_seconds", "first_step_seconds", math.nextafter(100, 200), "first step took 100 s, and the marker allows 100 s"),
        ("max_peak_rss_bytes", "peak_rss_bytes", 101, "101 bytes of resident memory at the peak, and the marker allows 100"),
        ("max_memory_growth_bytes_per_step", "rss_growth_bytes_per_step", 101.0, "the memory grows by 101 bytes per step, and the marker allows 100"),
    ],
)  # fmt: skip
def test_a_value_at_its_limit_is_allowed_and_the_next_beyond_it_is_not(
    limit, value, next_value, complaint
):
    assert violations(Limits(**{limit: 100.0}), Values(**{value: 100})) == []
    assert violations(Limits(**{limit: 100.0}), Values(**{value: next_value})) == [complaint]


def test_a_limit_of_growth_fails_where_the_growth_could_not_be_measured():
    unknown = Values(rss_growth_bytes_per_step=None)
    assert violations(Limits(), unknown) == []
    (sentence,) = violations(Limits(max_memory_growth_bytes_per_step=1.0), unknown)
    assert sentence.startswith("the growth of the memory could not be measured")


def test_markers_of_class_and_function_are_merged_key_by_key():
    of_function = {"tolerance": 10, "min_samples_per_second": None}
    of_class = {"tolerance": 20, "min_samples_per_second": 5, "max_peak_rss_bytes": 2**30}
    of_module = {"max_peak_rss_bytes": 1, "max_first_step_seconds": 60}
    assert limits(of_function, of_class, of_module) == Limits(
        tolerance=10.0, max_peak_rss_bytes=2.0**30, max_first_step_seconds=60.0
    )


@pytest.mark.parametrize(
    ("keywords", "complaint"),
    [
        ({"speed": 3}, "has no 'speed'"),
        ({"max_peak_rss_bytes": 0}, "max_peak_rss_bytes needs a number above 0, not '0'"),
        ({"accept_slowdown": 10}, "needs accept_reason"),
        ({"accept_reason": "why not"}, "accept_slowdown or accept_counters"),
        ({"accept_reason": " ", "accept_slowdown": 10}, "needs a text"),
        ({"accept_reason": "why", "accept_slowdown": 100}, "needs a percentage below 100"),
        ({"accept_reason": "why", "accept_counters": ["x"]}, "the largest count for each counter"),
        ({"accept_reason": "why", "accept_counters": {"x": 0}}, "the largest count for each"),
    ],
)
def test_an_invalid_keyword_is_refused_in_the_marker_of_a_class_too(keywords, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        limits({"tolerance": 3}, keywords)


LEAK = [1000 + 100 * step for step in range(30)]


@pytest.mark.parametrize(
    ("memory", "growth"),
    [
        (LEAK, 100.0),
        (LEAK[:2], 100.0),
        (LEAK[:5], 100.0),
        ([1000] * 30, 0.0),
        # An allocator takes a large piece, once or twice.
        ([1000, 1000, 1000, 90_000, 90_000], 0.0),
        ([1000] * 15 + [90_000] * 15, 0.0),
        ([1000] * 9 + [90_000] * 9 + [180_000] * 9, 0.0),
        # It takes larger pieces than a step loses, and so it rises in few steps.
        ([1000 + 1000 * (step // 4) for step in range(101)], 250.0),
        (LEAK[:7] + [size + 10**6 for size in LEAK[7:]], 100.0),
        ([1000] * 20 + [500] * 20, 0.0),
    ],
)
def test_the_growth_of_the_memory_is_that_of_most_parts_of_the_launch(memory, growth):
    assert median_growth(list(enumerate(memory, 1))) == pytest.approx(growth)
