"""Each form in which a command, a file or a log shows a secret is masked, and its likes are kept."""

from __future__ import annotations

import pytest

from growth import superlinear_texts
from traingate.untrusted.masking import MASK, masked_environment, masked_text, masked_variable

HIDDEN = "q7Zx9Lm2Vb4Nc8Kd1Fg5"
LONG = HIDDEN * 2

VALUES = [
    f"tool --password '{HIDDEN}'", f'tool --password "{HIDDEN}"', f'--token "{HIDDEN}"', f"--password='two words {HIDDEN}'",
    f'PASSWORD="two {HIDDEN}"', f'password: "a,{HIDDEN}"', f"password=a,{HIDDEN}", f"password=a&{HIDDEN}", f"password=a;{HIDDEN}",
    f'{{"password":  "{HIDDEN}"}}', f"{{\\\"password\\\": \\\"a {HIDDEN}\\\"}}", f'PASSWORD="a\\"{HIDDEN}"', f"password=a'{HIDDEN}'",
    f"['curl', '--password', 'a {HIDDEN}']", f"password    = {HIDDEN}", f"token%3D{HIDDEN}", f"access_token%22%3A%22{HIDDEN}",
    f"token= password: {HIDDEN}", f'{{"auths": {{"h": {{"auth": "{HIDDEN}"}}}}}}', f"password:\n  {HIDDEN}",
]  # fmt: skip
HEADERS = [
    f"Authorization: token {HIDDEN}", f"Authorization: ApiKey {HIDDEN}", f'Authorization: Digest username="a", response="{HIDDEN}"',
    f"Proxy-Authorization: Negotiate {HIDDEN}", f"Cookie: session={HIDDEN}; other={HIDDEN}", f"Set-Cookie: sid={HIDDEN}; Path=/",
    f"X-Api-Key: {HIDDEN}", f"git -c http.extraheader='AUTHORIZATION: basic {HIDDEN}' fetch", f"authorization=Bearer {HIDDEN}",
    f"{{'Authorization': 'Bearer {HIDDEN}'}}", f"curl -H 'Authorization: token {HIDDEN}' https://host/x",
]  # fmt: skip
NAMES = [
    f"DB_PASS={HIDDEN}", f"SSHPASS={HIDDEN} ssh host", f"--pass {HIDDEN}", f"ENCRYPTION_KEY={HIDDEN}", f"GPG_KEY={HIDDEN}",
    f"Server=x;Uid=u;Pwd={HIDDEN};", f"AccountName=a;AccountKey={HIDDEN}==;EndpointSuffix=x", f"tokens={HIDDEN}", f"TOKENS: {HIDDEN}",
    f"machine host login u password {HIDDEN}", f"machine host\n  login u\n  password {HIDDEN}\n", f"passwort={HIDDEN}",
    f"GH_PAT={HIDDEN}", f"DB_PW={HIDDEN}", f"db_pass: {HIDDEN}", f"TWINE_PASSWORD : {HIDDEN}", f"//registry.example/:_authToken={HIDDEN}",
    f"aws_secret_access_key={HIDDEN}", f'"pass": "{HIDDEN}"',
]  # fmt: skip
ADDRESSES = [
    f"https://acct.blob.core.windows.net/c/w.whl?sv=2020&sig={HIDDEN}%3D", f"http_proxy=user:{HIDDEN}@proxy:3128",
    f"https://user:pa/{HIDDEN}@host/x", f"https://user:pa#{HIDDEN}@host/x", f"https://user:pa?{HIDDEN}@host/x", f"https://u:a/b@{HIDDEN}@host/x",
    f"https://hooks.slack.com/services/T00000000/B00000000/{HIDDEN}", f"https://discord.com/api/webhooks/123456789012345678/{LONG}",
    f"curl -u user:{HIDDEN} https://host", f"curl --user 'user:{HIDDEN}' https://host", f"curl --proxy user:{HIDDEN}@proxy:1 https://host",
    f"sshpass -p {HIDDEN} ssh host", f"postgres://u:{HIDDEN}@h/db",
]  # fmt: skip
SHAPES = [
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{HIDDEN}\n-----END PGP PRIVATE KEY BLOCK-----", f"sk_live_{HIDDEN}", f"rk_live_{HIDDEN}",
    f"whsec_{LONG}", f"SG.{HIDDEN}AB.{LONG}", f"dckr_pat_{HIDDEN}1234567", f"dop_v1_{HIDDEN}", f"hvs.{LONG}", f"glrt-{HIDDEN}",
    f"gldt-{HIDDEN}", f"glptt-{HIDDEN}", f"ya29.{LONG}", f"GOCSPX-{HIDDEN}12345678", f"xapp-1-A0-1-{HIDDEN}", f"gsk_{LONG}", f"r8_{LONG}",
    f"nvapi-{LONG}", f"lin_api_{LONG}", f"shpat_{HIDDEN}123",
]  # fmt: skip


@pytest.mark.parametrize("text", [*VALUES, *HEADERS, *NAMES, *ADDRESSES, *SHAPES])
def test_a_secret_is_masked_wherever_it_stands(text):
    for line in (text, f"fatal: {text}\nnext line"):
        masked = masked_text(line)
        assert HIDDEN not in masked
        assert MASK in masked
        assert masked_text(masked) == masked


def test_a_key_in_capitals_is_masked():
    assert masked_text(f"AGE-SECRET-KEY-1{'QPZRY9X8' * 7}") == MASK


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("PASSWORD='a b' make", f"PASSWORD='{MASK}' make"),
        ("https://h/a?token=abc&b=c", f"https://h/a?token={MASK}&b=c"),
        ("Pwd=abc;Uid=u;", f"Pwd={MASK};Uid=u;"),
        ('{"token": "abc", "b": 1}', f'{{"token": "{MASK}", "b": 1}}'),
        ("Cookie: a=b; c=d\nHost: x", f"Cookie: {MASK}\nHost: x"),
        ("-H 'Authorization: token abc' h", f"-H 'Authorization: {MASK}' h"),
        ("https://u:p/w@host/x", f"https://{MASK}@host/x"),
    ],
)
def test_the_text_around_a_secret_is_kept(text, masked):
    assert masked_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        # Parameters of benchmarks, and what models and compilers print.
        "kernel_size=3", "keyword=value", "monkey=banana", "key=value", "sort_key=lambda", "cache_key: fx_graph", "num_key_value_heads=8",
        "tokens_per_second=12", "tokens=4096", "max_tokens=128k", "num_tokens: 5", "generated tokens: the cat sat on", "1e6 tokens",
        "test_step[tokens=1024-kernel_size=3]", "forward_pass=0.3", "backward pass: 12 ms", "pass: 3 of 4", "passes=12", "pass=4 fail=0",
        "POST_GRAD_PASSES=a,b", "file_pat=abc*", "missing_keys=['layer.weight']", "KeyError: 'layer.weight'", "bypass=1", "compass=north",
        "encoder=resnet50, decoder=fpn", "tokenizer=fast", "authors: somebody", "PWD=/home/user/project", "OLDPWD=/tmp", "sig=SIGTERM",
        # Lines of logs, and addresses.
        'File "/srv/auth/tokens.py", line 3, in password', "tests/test_tokens.py::test_a[b=c] PASSED", "tests/test_auth.py::test_login FAILED",
        "2026-11-22 10:00:00,123 INFO worker: step=3 loss=0.5", "W1122 10:00:00 torch/_inductor/pass.py:3] skipped",
        "https://host/search?q=a+b&page=2&sort=key", "https://host:8080/a@2", "https://download.pytorch.org/whl/cpu", "https://[::1]:80/a@b",
        "docker run -u 1000:1000 image", "python -u train.py", "ssh://git@host:22/a.git", "git+https://host/a.git@v1.0#egg=a",
        "the login is password protected", "Enter the password here", "http_proxy=http://proxy:3128", "no_proxy=localhost,127.0.0.1",
        "risk-aware-scheduling-of-workers", "SG.a.b", "r8_weight_only_quantization_config", "max_split_size_mb:128", "a::b::c", "std::pass::run",
        "-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "keys=3", "monkey_key=3", "primary_key: id",
    ],
)  # fmt: skip
def test_text_that_only_looks_like_a_secret_is_kept(text):
    assert masked_text(text) == text
    assert masked_text(f"before {text}\nafter") == f"before {text}\nafter"


@pytest.mark.parametrize(
    "name",
    ["XLA_PASS", "TORCH_PAT", "TORCH_CREDS", "TORCH_PW", "TORCH_PRIVKEY", "TORCH_JWT", "XLA_TOKENS", "TORCH_KEYS", "TORCH_ENCRYPTIONKEY",
     "SSHPASS", "TORCH_KEY_1", "xla_pass", "CCL_PSK", "TORCH_PASS_2"],
)  # fmt: skip
def test_a_variable_with_a_short_name_of_a_secret_is_masked(name):
    assert masked_variable(name, "plain") == MASK


@pytest.mark.parametrize(
    "name",
    ["TORCHINDUCTOR_POST_GRAD_PASSES", "TORCH_MAX_TOKENS", "XLA_NUM_TOKENS", "N_TOKENS", "TORCH_PATH", "TORCH_PATTERN", "XLA_BYPASS",
     "TORCH_KEYWORD", "TORCH_MONKEY", "TORCH_COMPASS", "TORCH_PWR", "KMP_PASSIVE", "TORCH_PASS_THROUGH", "NEW_TOKENS"],
)  # fmt: skip
def test_a_variable_of_a_similar_name_is_kept(name):
    assert masked_variable(name, "value") == "value"


def test_the_items_of_a_list_are_masked():
    assert masked_environment({"a": [f"https://u:{HIDDEN}@h"]}) == {"a": [f"https://{MASK}@h"]}


LONG_TEXTS = """
from growth import superlinear
from traingate.untrusted.masking import masked_text

parts = (
    "token=", "token= ", "token='", 'token="a', "token=a&", "token=a,", "token=\\\\", "token=\\\\\\\\'", "--token ", "--a", "cookie: ", "-u a:",
    "'cookie: ", "https://a:", "https://a:b", "https://a:b/", "proxy=a:", "proxy=", "login a ", "login a password ", " password ", "password\\t", "SG.aaaaaaaaaaaaaaaa",
    "SG.", "sk_live_", "-----BEGIN PGP PRIVATE KEY BLOCK-----", "a=", "a ", "a-", "_TOKENS", "tokens=a1", "a:", "\\\\", "' ", "sig=", "%3D", "token%3D%22", "auth:",
    "hooks.slack.com/services/", "https://a:b@", "pass=", "pwd=/", "tokens=-",
    "pass:",
)
texts = [(beginning, part) for part in parts for beginning in ("", "password", "password=")]
print(superlinear(masked_text, texts, 8_000))
"""


def test_the_time_of_masking_assignments_grows_with_the_length():
    assert superlinear_texts(LONG_TEXTS) == "[]\n"
