import pytest

from traingate.controller.steadying import describe, steadying
from traingate.layers.base import ProcessRequest, RunCpu


@pytest.fixture(autouse=True)
def _no_preload(monkeypatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)


def sets_allocator(request):
    return request.preloads or "MALLOC_TRIM_THRESHOLD_" in request.environment


def test_levels_include_the_ones_before():
    no_request = ProcessRequest()
    assert steadying("off", no_request, is_duet_side=True) == no_request
    threads = steadying("threads", no_request, is_duet_side=True)
    assert threads.environment["OMP_PROC_BIND"] == "true"
    assert not sets_allocator(threads)
    full = steadying("full", no_request, is_duet_side=True)
    assert full.environment["OMP_PROC_BIND"] == "true"
    assert sets_allocator(full)


@pytest.mark.parametrize(
    "stack",
    [ProcessRequest(preloads=("/libmine.so",)), ProcessRequest(run_cpu=RunCpu((0,), False))],
)
def test_the_allocator_of_the_stack_stays(stack):
    assert not sets_allocator(steadying("full", stack, is_duet_side=True))


def test_the_allocator_of_the_user_stays(monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", "/libmine.so")
    assert not sets_allocator(steadying("full", ProcessRequest(), is_duet_side=True))


def test_throughput_is_measured_in_a_bare_process():
    no_request = ProcessRequest()
    assert steadying("full", no_request, is_duet_side=False) == no_request


def test_records_name_libraries_without_their_folder():
    request = ProcessRequest({"A": "1"}, ("/usr/lib/libtcmalloc.so.4",))
    assert describe(request) == {"A": "1", "LD_PRELOAD": "libtcmalloc.so.4"}
