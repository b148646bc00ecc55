"""Names in the calls of a test that become names of another kind: imported, assigned, or parameters."""

from __future__ import annotations

import pytest

from base_projects import committed, pairs_of
from traingate.worktree.base_tests import changed_tests

MODELS = "def net(): ...\ndef tiny(): ...\n"
SIZES = {"sizes": "BATCH = 1\nSAME = 64\n", "models": MODELS}
CALL = "training_benchmark(net, batch_size=BATCH)\n"
TESTS = f"from models import net\nBATCH = 64\ndef test_net(training_benchmark):\n    {CALL}"


def changes(tmp_path, before, after, **sources):
    """Return the changes between two forms of a test that replaces a text, without its name."""
    repository = committed(tmp_path, test_a=before, **{**SIZES, **sources})
    (repository.root / "test_a.py").write_text(after)
    return changed_tests(pairs_of(repository), ()).get("test_a.py::test_net", "")


CHANGED = {
    "BATCH = 1": [
        ("BATCH = 64", "from sizes import BATCH"),
        ("BATCH = 64", "BATCH = 64\nfrom sizes import BATCH"),
        ("BATCH = 64", "from sizes import *"),
        ("BATCH = 64", "from sizes import BATCH as SIZE\nBATCH = SIZE"),
        ("    training", "    from sizes import BATCH\n    training"),
    ],
    "net = models::tiny": [
        ("import net", "import net, tiny\nnet = tiny"),
        ("import net", "import net, tiny as other\nsmall = other\nnet = small"),
        ("    training", "    from models import tiny\n    net = tiny\n    training"),
    ],
    "net = resnet18": [
        ("from models import net", "from torchvision.models import resnet18 as net")
    ],
    "net = Net()": [("import net", "import net\nnet = Net()")],
    "BATCH = a parameter": [("(training_benchmark)", "(training_benchmark, BATCH)")],
    "net = a parameter": [("(training_benchmark)", "(training_benchmark, net)")],
}


@pytest.mark.parametrize("is_back", [False, True], ids=["there", "back"])
@pytest.mark.parametrize(
    ("meaning", "old", "new"),
    [(meaning, *edit) for meaning, edits in CHANGED.items() for edit in edits],
)
def test_a_name_that_becomes_one_of_another_kind_is_found(tmp_path, meaning, old, new, is_back):
    assert TESTS.count(old) == 1
    name = meaning.partition(" ")[0]
    meanings = ["net = models::net" if name == "net" else "BATCH = 64", meaning]
    versions = [TESTS, TESTS.replace(old, new)]
    before, after = (meanings[::-1], versions[::-1]) if is_back else (meanings, versions)
    change = f"measures with {before[1]} instead of {before[0]}"
    assert changes(tmp_path, *after) == change


SAME = [
    ("BATCH = 64", "from sizes import SAME as BATCH"),
    ("BATCH = 64", "from sizes import *\nBATCH = 64"),
    ("BATCH = 64", "try:\n    from sizes import SAME as BATCH\nexcept ImportError:\n    BATCH = 1"),
    ("BATCH = 64", "import sizes\nBATCH = SIZE = 64"),
    ("import net", "import net as other\nnet = other"),
    ("import net", "import net as other\nsmall = other\nnet = small"),
    ("from models import net", "from models import *"),
    ("from models import net", "try:\n    from models import net\nexcept ImportError: net = None"),
    ("import net", "import net\nif TYPE_CHECKING: ...\nelse:\n    from models import net"),
    (
        "from models import net",
        "try:\n    from models import net\nexcept ImportError:\n    from models import tiny as net",
    ),
    (
        "from models import net",
        "if version_info > (3,):\n    from models import net\nelse:\n    from models import tiny as net",
    ),
    ("    training", "    from models import net\n    training"),
    ("    training", "    from sizes import SAME as BATCH\n    training"),
]


@pytest.mark.parametrize("is_back", [False, True], ids=["there", "back"])
@pytest.mark.parametrize(("old", "new"), SAME)
def test_a_name_that_means_the_same_in_another_way_changes_nothing(tmp_path, old, new, is_back):
    assert TESTS.count(old) == 1
    versions = [TESTS, TESTS.replace(old, new)]
    assert changes(tmp_path, *(versions[::-1] if is_back else versions)) == ""


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("sizes", "from other import BATCH\nBATCH = 2\n"),
        ("sizes", "from other import BATCH\nBATCH: int = 2\n"),
        ("other", "BATCH = 2\n"),
    ],
)
def test_a_constant_that_a_module_passes_on_and_replaces_is_found(tmp_path, module, text):
    tests = TESTS.replace("BATCH = 64", "from sizes import BATCH")
    sources = {"sizes": "from other import BATCH\n", "other": "BATCH = 1\n", "models": MODELS}
    repository = committed(tmp_path, test_a=tests, **sources)
    (repository.root / f"{module}.py").write_text(text)
    change = "measures with BATCH = 2 instead of BATCH = 1"
    assert changed_tests(pairs_of(repository), ()) == {"test_a.py::test_net": change}


def test_a_constant_of_another_module_with_another_value_is_found(tmp_path):
    tests = TESTS.replace("BATCH = 64", "from sizes import BATCH")
    repository = committed(tmp_path, test_a=tests, **SIZES)
    (repository.root / "sizes.py").write_text("BATCH = 2\n")
    change = "measures with BATCH = 2 instead of BATCH = 1"
    assert changed_tests(pairs_of(repository), ()) == {"test_a.py::test_net": change}


UNCHANGED = [
    "from models import *\nfrom sizes import *\n",
    "net = net\nBATCH = BATCH\n",
    "net = first = net\nBATCH = first\nfirst = BATCH\n",
    "net = lambda: 1\nfrom sizes import BATCH\nBATCH += 1\n",
    "from long import BATCH\n",
]


@pytest.mark.parametrize("head", UNCHANGED)
def test_an_unchanged_test_measures_the_same(tmp_path, head):
    text = f"{head}def test_net(training_benchmark):\n    {CALL}"
    sources = {"long": f"BATCH = {' + '.join(['1'] * 3000)}\n"}
    assert changes(tmp_path, text, text, **sources) == ""
