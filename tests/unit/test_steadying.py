import pytest

from traingate.controller.steadying import describe, steadying
from traingate.layers.base import ProcessRequest, RunCpu


@pytest.fixture(autouse=True)
def _no_preload(monkeypatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)


def allocator(request):
    return request.preloads or "MALLOC_TRIM_THRESHOLD_" in request.environment


def test_levels_include_the_ones_before():
    nothing = ProcessRequest()
    assert steadying("off", nothing, duet=True) == nothing
    threads = steadying("threads", nothing, duet=True)
    assert threads.environment["OMP_PROC_BIND"] == "true"
    assert not allocator(threads)
    full = steadying("full", nothing, duet=True)
    assert full.environment["OMP_PROC_BIND"] == "true"
    assert allocator(full)


@pytest.mark.parametrize(
    "stack",
    [ProcessRequest(preloads=("/libmine.so",)), ProcessRequest(run_cpu=RunCpu((0,), False))],
)
def test_the_stack_s_own_allocator_stays(stack):
    assert not allocator(steadying("full", stack, duet=True))


def test_the_user_s_own_allocator_stays(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "/libmine.so")
    assert not allocator(steadying("full", ProcessRequest(), duet=True))


def test_throughput_is_reported_without_a_steadier_allocator():
    assert not allocator(steadying("full", ProcessRequest(), duet=False))


def test_records_name_libraries_without_their_place():
    request = ProcessRequest({"A": "1"}, ("/usr/lib/libtcmalloc.so.4",))
    assert describe(request) == {"A": "1", "LD_PRELOAD": "libtcmalloc.so.4"}
