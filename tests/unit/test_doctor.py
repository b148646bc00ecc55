import functools
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from traingate import layers
from traingate.cli import main
from traingate.doctor import State, examine
from traingate.host import noise


def test_the_doctor_examines_every_layer_without_importing_torch():
    script = (
        "import sys, json; from traingate.doctor import examine\n"
        "subjects = [item.subject for item in examine() if item.topic == 'layers']\n"
        "print(json.dumps([subjects, 'torch' in sys.modules]))"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    subjects, torch_is_loaded = json.loads(output)
    assert not torch_is_loaded
    names = {subject.partition("(")[0] for subject in subjects}
    assert names == {getattr(layers, name).name for name in layers.__all__}


@pytest.fixture(autouse=True)
def short_steal_time(monkeypatch):
    """Do not wait a second for the steal time in this process."""
    monkeypatch.setattr(noise, "steal_share", functools.partial(noise.steal_share, 0.0))


def test_each_missing_program_or_library_has_a_remedy(monkeypatch):
    monkeypatch.setattr("traingate.host.shared_libraries.find_library", lambda _stem: None)
    monkeypatch.setattr("traingate.host.shared_libraries.find_program", lambda _name: None)
    missing = [item for item in examine() if item.state is State.LACKING]
    assert {"tcmalloc", "jemalloc", "Intel OpenMP", "numactl", "mpiexec.hydra"} <= {
        item.subject for item in missing
    }
    commands = {item.remedy for item in missing}
    assert all(command.startswith(("apt-get install ", "pip install ")) for command in commands)
    assert not any(word in command for command in commands for word in (" or ", ";"))


def test_an_extension_for_another_torch_is_reported(tmp_path, monkeypatch):
    versions = {"torch": "2.9.1", "intel_extension_for_pytorch": "2.8.0", "torch_xla": "2.9.0"}
    for name, version in versions.items():
        metadata = tmp_path / f"{name}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(tmp_path)
    findings = {item.subject: item for item in examine() if item.topic == "versions"}
    extension = findings["intel-extension-for-pytorch"]
    assert extension.state is State.LACKING
    assert "made for torch 2.8" in extension.meaning
    assert extension.remedy == "pip install 'torch==2.8.*' torchvision"
    assert findings["torch-xla"].state is State.FINE


def test_bf16_without_its_instructions_is_reported_as_emulated(monkeypatch):
    monkeypatch.setattr("traingate.host.cpu.instruction_sets", lambda: frozenset({"avx512f"}))
    findings = {item.subject: item for item in examine()}
    assert "emulated" in findings["AVX512_BF16"].meaning
    assert findings["AVX-512"].state is State.FINE


def test_the_command_prints_text_or_json():
    text = CliRunner().invoke(main, ["doctor"])
    assert text.exit_code == 0
    assert "tuned_runtime" in text.output
    findings = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).output)
    assert {"topic", "subject", "state", "found", "meaning", "remedy"} == set(findings[0])


def test_steal_time_comes_from_the_times_of_all_cores(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 100 700 0 0 0 100 50 0\ncpu0 1\n")
    assert noise.cpu_times(stat) == (1000, 100)
    assert noise.steal_share(stat=stat) is None  # no time has passed
    assert noise.steal_share(stat=tmp_path / "gone") is None


def test_a_fact_that_the_kernel_does_not_report_is_none(tmp_path):
    assert noise.smt(tmp_path) is None
    assert noise.governor(tmp_path) is None
    assert noise.turbo(tmp_path) is None
    assert noise.transparent_huge_pages(tmp_path / "enabled") is None
    (tmp_path / "enabled").write_text("always [madvise] never")
    assert noise.transparent_huge_pages(tmp_path / "enabled") == "madvise"
    (tmp_path / "intel_pstate").mkdir()
    (tmp_path / "intel_pstate" / "no_turbo").write_text("0")
    assert noise.turbo(tmp_path) is True
