"""Test duets of projects that build C++ extensions when they are imported."""

import shutil

import pytest
from repositories import FAST, ONE_TEST, git

MODEL = """
    import ctypes
    from pathlib import Path
    import torch
    from torch.utils.cpp_extension import load
    from traingate import TrainingSetup

    source = Path(__file__).with_name("kernel.cpp")
    library = ctypes.CDLL(load("traingate_test_kernel", [str(source)], is_python_module=False))

    def mlp():
        model = torch.nn.Linear(8, 2)

        def train_step(model, batch, criterion):
            library.wait_kernel()
            return criterion(model(batch[0]), batch[1])

        return TrainingSetup(
            model, torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters()),
            [(torch.randn(8), 1)] * 8, 4, train_step=train_step,
        )
"""

KERNEL = '#include <unistd.h>\nextern "C" void wait_kernel() {{ usleep({milliseconds}000); }}\n'


@pytest.mark.long
@pytest.mark.skipif(
    not (shutil.which("ninja") and shutil.which("g++")), reason="needs ninja and g++"
)
def test_a_slower_extension_is_found_and_a_killed_builds_lock_hangs_nobody(pytester, monkeypatch):
    extensions = pytester.path / "extensions"
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(extensions))
    pytester.makepyfile(models=MODEL, test_training=ONE_TEST)
    kernel = pytester.path / "kernel.cpp"
    kernel.write_text(KERNEL.format(milliseconds=20))
    git("init", "-q")
    git("add", "kernel.cpp", "models.py", "test_training.py")
    git("commit", "-q", "-m", "first")
    kernel.write_text(KERNEL.format(milliseconds=100))
    result = pytester.runpytest_subprocess(*FAST, "--traingate-against=HEAD")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*REGRESSED: by the code: *", "*throughput is * % lower*"])
    folders = sorted(extensions.glob("*/traingate_test_kernel"))
    assert len(folders) == 2
    for folder in folders:
        (folder / "lock").touch()
    result = pytester.runpytest_subprocess(*FAST, "--traingate-timeout=60")
    result.assert_outcomes(passed=1)
