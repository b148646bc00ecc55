"""Secrets are masked by their name and by their shape; what matters for the speed is kept."""

from __future__ import annotations

import json

import pytest
from stored_records import record_of

from growth import superlinear_texts
from sample_records import save_run
from traingate.baselines.comparability import environment_changes
from traingate.baselines.saved_runs import read_run
from traingate.host.variables import steering_variables
from traingate.untrusted.masking import MASK, masked_environment, masked_text, masked_variable

HIDDEN = "q7Zx9Lm2Vb4Nc8Kd1Fg5"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{HIDDEN}@index.example/simple", f"http://{HIDDEN}@proxy:3128",
        f"socks5h://user:{HIDDEN}@proxy", f"git+https://x-access-token:{HIDDEN}@host/a.git@main",
        f"https://host/a?token={HIDDEN}&b=c", f"pip install --extra-index-url https://a:{HIDDEN}@b/c",
        f"tool --password {HIDDEN}", f"tool --api-key={HIDDEN}", f"HF_TOKEN={HIDDEN} make",
        f"Authorization: Bearer {HIDDEN}", f"ghp_{HIDDEN}1234", f"hf_{HIDDEN}", f"sk-{HIDDEN}",
        "AKIAABCDEFGHIJKLMNOP", f"-----BEGIN RSA PRIVATE KEY-----\n{HIDDEN}\n-----END RSA PRIVATE KEY-----",
        f"eyJhbGciOiJI.eyJzdWIiOiIx.{HIDDEN}", f"a-eyJhbGciOiJI.eyJzdWIiOiIx.{HIDDEN}",
        f'{{"client_secret": "{HIDDEN}"}}', f"passwd: {HIDDEN}",
    ],
)  # fmt: skip
def test_a_secret_is_masked(text):
    assert HIDDEN not in masked_text(text)
    assert "AKIA" not in masked_text(text)
    assert MASK in masked_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://index.example/simple", "git+ssh://git@host/a.git", "file:///home/user/project",
        "pip install --editable .", "tokenizers 0.22.1", "author: somebody", "2.8.0+cpu",
        "granularity=fine,compact,1,0", "max_split_size_mb:128,roundup:[1:2,4:8]", "make -j2 MODE=fast",
        "user@host", "a://b", "dataloader --workers 2 https://a.example/b@2", "no secret here",
    ],
)  # fmt: skip
def test_other_text_is_kept(text):
    assert masked_text(text) == text


@pytest.mark.parametrize(
    "name",
    ["TORCHX_TOKEN", "XLA_API_KEY", "PYTHON_KEYRING_PASSWORD", "CCL_SECRET", "TORCH_AUTH", "MKL_LICENSE_KEY",
     "PYTHON_CREDENTIALS", "GLOO_PRIVATE_KEY", "I_MPI_PASSWD", "TORCH_SESSION_COOKIE", "PYTHON_access_key"],
)  # fmt: skip
def test_a_variable_with_the_name_of_a_secret_is_recorded_without_its_value(name):
    assert steering_variables({name: "plain"}) == {name: MASK}


@pytest.mark.parametrize(
    "name",
    ["TORCHINDUCTOR_POST_GRAD_PASSES", "TORCH_MAX_TOKENS", "TOKENIZERS_PARALLELISM", "PYTHON_AUTHOR",
     "KMP_AFFINITY", "TORCH_KEYED", "XLA_FLAGS", "ATEN_CPU_CAPABILITY"],
)  # fmt: skip
def test_a_variable_that_only_looks_like_one_keeps_its_value(name):
    assert masked_variable(name, "value") == "value"


def test_a_proxy_in_a_variable_is_masked_by_its_shape():
    url = f"http://user:{HIDDEN}@proxy:3128"
    assert steering_variables({"TORCH_DOWNLOAD_PROXY": url}) == {
        "TORCH_DOWNLOAD_PROXY": f"http://{MASK}@proxy:3128"
    }


def test_secrets_of_an_older_record_are_masked_when_it_is_read(tmp_path):
    environment = {
        "python": "3.11.7",
        "variables": {"TORCH_TOKEN": HIDDEN, "OMP_NUM_THREADS": "2"},
        "package_sources": {"a": {"from": f"https://u:{HIDDEN}@host/a", "digest": "1"}},
    }
    path = tmp_path / "0001_a.json"
    save_run(path, {"bench.py::test_0": record_of(0.1, environment=environment)})
    record = read_run(path).measurements[0][1]
    assert HIDDEN not in json.dumps(record.environment)
    assert record.environment["variables"]["OMP_NUM_THREADS"] == "2"
    new = masked_environment(
        {**environment, "variables": {"TORCH_TOKEN": "x", "OMP_NUM_THREADS": "2"}}
    )
    assert environment_changes(record.environment, new) == []


LONG_TEXTS = """
from growth import superlinear
from traingate.untrusted.masking import masked_text

parts = ("https://", "a:b@", "token", "-----BEGIN PRIVATE KEY-----", "eyJaaaaaaaaa.", "--", "=")
print(superlinear(masked_text, [("", part) for part in parts], 100_000))
"""


def test_the_time_of_masking_does_not_grow_with_the_square_of_the_length():
    assert superlinear_texts(LONG_TEXTS) == "[]\n"
