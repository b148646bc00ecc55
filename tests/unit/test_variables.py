import pytest

from traingate.host.variables import steering_variables


@pytest.mark.parametrize(
    "name",
    ["ATEN_CPU_CAPABILITY", "TORCH_NUM_THREADS", "TORCHINDUCTOR_FREEZING", "PYTORCH_JIT",
     "OPENBLAS_NUM_THREADS", "GLIBC_TUNABLES", "PYTHONMALLOC", "PYTHON_GIL", "NPY_DISABLE_CPU_FEATURES",
     "OMP_NUM_THREADS", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "MKL_CBWR", "I_MPI_PIN_DOMAIN", "MALLOC_CONF", "DNNL_VERBOSE",
     "ONEDNN_MAX_CPU_ISA", "THP_MEM_ALLOC_ENABLE", "LRU_CACHE_CAPACITY", "XLA_FLAGS", "CXX", "CFLAGS"],
)  # fmt: skip
def test_a_variable_that_steers_kernels_is_recorded(name):
    assert steering_variables({name: "1", "HOME": "/root"}) == {name: "1"}


@pytest.mark.parametrize(
    "name",
    ["TORCHINDUCTOR_CACHE_DIR", "TORCH_EXTENSIONS_DIR", "TORCH_HOME", "TRITON_CACHE_DIR",
     "TORCHELASTIC_RUN_ID", "PYTHONPATH", "PYTHONHOME", "PYTHONPYCACHEPREFIX", "PYTHON_VERSION",
     "PYTHON_SHA256", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING",
     "I_MPI_HYDRA_UUID", "I_MPI_INFO_NP", "CCL_LOCAL_PID", "CCACHE_DIR", "CC_HOST", "PATH"],
)  # fmt: skip
def test_a_variable_that_differs_from_run_to_run_without_effect_is_not(name):
    assert steering_variables({name: "1"}) == {}


@pytest.mark.parametrize("separator", [":", " ", "::"])
def test_preloads_are_recorded_by_the_names_of_their_files(separator):
    preloads = separator.join(["/usr/lib/libtcmalloc.so.4", "/opt/venv/lib/libiomp5.so"])
    assert steering_variables({"LD_PRELOAD": preloads}) == {
        "LD_PRELOAD": "libtcmalloc.so.4:libiomp5.so"
    }
