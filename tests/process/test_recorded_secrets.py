"""A real worker with secrets in its variables and packages: no record or report has them."""

from __future__ import annotations

import gzip
import json

import pytest
from comparing_runs import FAST, ONE_MEASURED, OPTIONS, run, text_of
from workers import TRAININGS, git

from traingate.untrusted.masking import MASK

HIDDEN = "q7Zx9Lm2Vb4Nc8Kd1Fg5"
URL = f"https://user:{HIDDEN}@index.example/simple"
METADATA = "Name: helper\nVersion: 1.0\n"
TEXT = """
import helper
from trainings import sleeping

def model():
    return sleeping()

def test_model(training_benchmark):
    training_benchmark(model)
"""


@pytest.fixture
def helper(tmp_path_factory, save):
    """Install a package from an address with a password, which the workload imports."""
    folder = tmp_path_factory.mktemp("library")
    metadata = folder / "helper-1.0.dist-info"
    metadata.mkdir()
    (folder / "helper.py").write_text("")
    (metadata / "METADATA").write_text(METADATA)
    (metadata / "RECORD").write_text("helper.py,sha256=a,1\n")
    content = {
        "url": f"git+https://token:{HIDDEN}@host/helper.git",
        "vcs_info": {"commit_id": "a1"},
    }
    (metadata / "direct_url.json").write_text(json.dumps(content))
    return folder


def content_of(path):
    """Return the content of a file, that of a compressed one as it was before."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_no_file_of_a_session_has_a_secret_of_its_worker(pytester, helper, monkeypatch):
    variables = {
        "TORCHX_TOKEN": HIDDEN, "PYTHON_INDEX": URL, "XLA_PROXY": f"http://{HIDDEN}@proxy:3128",
        "PIP_INDEX_URL": URL, "UV_INDEX_URL": URL, "HTTPS_PROXY": URL, "GITHUB_TOKEN": HIDDEN,
        "TORCH_OTHER": "kept",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(helper), prepend=":")
    git(pytester.path, "init", "-q")  # without a repository, all of PYTHONPATH is the project
    files = ("--traingate-html=a.html", "--traingate-json=a.json", "--traingate-markdown=a.md")
    result = run(
        pytester, TEXT, *files, "--benchmark-json=run.json", "--junitxml=junit.xml",
        "--traingate-profile=profiles", options=OPTIONS,
    )  # fmt: skip
    assert result.ret == 0
    (benchmark,) = json.loads((pytester.path / "run.json").read_text())["benchmarks"]
    environment = benchmark["extra_info"]["traingate"]["environment"]
    assert environment["package_sources"]["helper"]["from"] == f"git+https://{MASK}@host/helper.git"
    recorded = environment["variables"]
    assert recorded["TORCHX_TOKEN"] == MASK
    assert recorded["PYTHON_INDEX"] == f"https://{MASK}@index.example/simple"
    assert recorded["TORCH_OTHER"] == "kept"
    assert not {"PIP_INDEX_URL", "UV_INDEX_URL", "HTTPS_PROXY", "GITHUB_TOKEN"} & recorded.keys()
    written = [path for path in pytester.path.rglob("*") if path.is_file()]
    names = {path.name for path in written}
    assert {"a.html", "a.json", "a.md", "run.json", "junit.xml", "profile.json"} <= names
    assert [path.name for path in written if HIDDEN.encode() in content_of(path)] == []
    assert HIDDEN not in "\n".join((*result.outlines, *result.errlines))


def test_a_verdict_that_quotes_the_error_of_a_base_quotes_no_secret(pytester, save):
    """The worker of the base ends with a traceback and a log, which become evidence."""
    ending = f"print('API_TOKEN={HIDDEN}', flush=True)\nraise RuntimeError({URL!r})\n"
    pytester.makepyfile(trainings=f"{TRAININGS.read_text()}\n{ending}")
    git(pytester.path, "init", "-q")
    git(pytester.path, "add", "-A")
    git(pytester.path, "commit", "-q", "-m", "first")
    save(FAST)
    stored = pytester.path / "stored" / "0001_base.json"
    content = json.loads(stored.read_text())
    content["commit_info"] = {"id": git(pytester.path, "rev-parse", "HEAD"), "dirty": False}
    stored.write_text(json.dumps(content))
    files = ("--traingate-html=a.html", "--traingate-json=a.json", "--traingate-markdown=a.md")
    files += ("--benchmark-json=run.json", "--show-capture=no")  # what a test prints stays its own
    result = run(pytester, ONE_MEASURED, *files, "--traingate-launches=2")
    assert result.ret == 1, text_of(result)
    (test,) = json.loads((pytester.path / "a.json").read_text())["tests"]
    assert "the baseline's commit could not be measured" in test["details"]
    assert f"RuntimeError: https://{MASK}@index.example" in test["details"]
    written = [path for path in pytester.path.rglob("*") if path.is_file()]
    assert {"a.html", "a.json", "a.md", "run.json"} <= {path.name for path in written}
    assert [path.name for path in written if HIDDEN.encode() in content_of(path)] == []
    assert HIDDEN not in text_of(result)
