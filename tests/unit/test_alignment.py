from difflib import SequenceMatcher

import pytest

from traingate.causes import alignment
from traingate.causes.alignment import aligned_paths


@pytest.fixture
def compared(monkeypatch):
    """Return the sizes of the lists that are compared class by class, which takes cubic time."""
    sizes = []

    def counting(junk, kinds, other_kinds, *, autojunk):
        sizes.append((len(kinds), len(other_kinds)))
        return SequenceMatcher(junk, kinds, other_kinds, autojunk=autojunk)

    monkeypatch.setattr(alignment, "SequenceMatcher", counting)
    return sizes


def test_modules_after_an_inserted_one_keep_their_match():
    base = {"0": "Conv2d", "1": "ReLU", "2": "Conv2d", "3": "ReLU", "4": "Linear"}
    candidate = {
        "0": "Conv2d",
        "1": "BatchNorm2d",
        "2": "ReLU",
        "3": "Conv2d",
        "4": "ReLU",
        "5": "Linear",
    }
    assert aligned_paths(base, candidate) == {"0": "0", "1": "2", "2": "3", "3": "4", "4": "5"}


def test_modules_inside_of_moved_ones_move_with_them():
    base = {"net": "Sequential", "net.0": "Block", "net.0.conv": "Conv2d"}
    candidate = {
        "net": "Sequential", "net.0": "Stem", "net.1": "Block", "net.1.conv": "Conv2d",
        "net.1.norm": "BatchNorm2d",
    }  # fmt: skip
    matches = aligned_paths(base, candidate)
    assert matches == {"net": "net", "net.0": "net.1", "net.0.conv": "net.1.conv"}


def test_a_replaced_module_is_the_same_place():
    assert aligned_paths({"0": "LayerNorm", "1": "Linear"}, {"0": "Norm", "1": "Linear"}) == {
        "0": "0",
        "1": "1",
    }


def test_a_removed_module_is_told_from_that_which_has_its_number_now():
    base = {"0": "Conv2d", "1": "Dropout", "2": "Linear"}
    matches = aligned_paths(base, {"0": "Conv2d", "1": "Linear"})
    assert matches == {"0": "0", "1": "1 of the base", "2": "1"}


def test_names_are_matched_by_themselves():
    base = {"(criterion)": "CrossEntropyLoss", "stem": "Conv2d", "old": "Linear"}
    candidate = {"(criterion)": "MSELoss", "stem": "Linear", "new": "Linear"}
    assert aligned_paths(base, candidate) == {name: name for name in base}


def test_unchanged_models_keep_all_paths():
    kinds = {f"layers.{n}.{name}": "Linear" for n in range(12) for name in ("inner", "outer")}
    assert aligned_paths(kinds, kinds).items() >= {path: path for path in kinds}.items()


def test_numbers_are_sorted_by_value_however_many_digits_they_have():
    long = "9" * 5000
    base = {f"m.{name}": kind for name, kind in ((long, "C"), ("10", "B"), ("9", "A"))}
    matches = aligned_paths(base, {"m.0": "A", "m.1": "B", "m.00002": "C"})
    assert matches == {"m": "m", "m.9": "m.0", "m.10": "m.1", f"m.{long}": "m.00002"}


@pytest.mark.parametrize(
    "name", ["\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "-1", "1_0"]
)
def test_names_that_only_look_like_numbers_are_matched_by_themselves(name):
    base = {f"m.{name}": "A", "m.x": "B"}
    assert aligned_paths(base, {"m.0": "A"} | base)[f"m.{name}"] == f"m.{name}"


def test_one_module_inserted_into_very_many_does_not_rename_those_after_it(compared):
    kinds = [str(number % 7) for number in range(2000)]
    base = {f"m.{number}": kind for number, kind in enumerate(kinds)}
    candidate = {
        f"m.{number}": kind for number, kind in enumerate([*kinds[:900], "new", *kinds[900:]])
    }
    matches = aligned_paths(base, candidate)
    assert (matches["m.899"], matches["m.900"], matches["m.1999"]) == ("m.899", "m.901", "m.2000")
    assert compared == []


def test_very_many_modules_that_differ_are_paired_by_position(compared):
    base = {f"m.{number}": "A" for number in range(2000)}
    candidate = {f"m.{number}": "AB"[number % 2] for number in range(2000)}
    assert aligned_paths(base, candidate) == {"m": "m"} | {path: path for path in base}
    assert compared == []


def test_the_comparisons_of_all_modules_together_are_bounded(compared):
    paths = [f"{outer}.{inner}" for outer in range(300) for inner in range(100)]
    base = dict.fromkeys(paths, "A")
    aligned_paths(base, {path: "AB"[number % 2] for number, path in enumerate(paths)})
    assert compared == [(100, 100)] * 20


@pytest.mark.parametrize(
    ("start", "repeated", "count"),
    [(".".join("a" * 99) + ".", "b", 1_000_000), ("", "a", 100_000_000), ("", "a.", 10_000_000)],
)
def test_paths_that_no_model_has_are_matched_by_themselves(start, repeated, count):
    path = start + repeated * count
    matches = aligned_paths({path: "A", "m.1": "A"}, {"m.2": "A"})
    is_as_expected = matches == {path: path, "m.1": "m.1"}
    assert is_as_expected  # pytest would print the path


def test_a_large_model_is_still_matched():
    """Ten thousand modules, as deep as those of real models."""
    name = "model.language_model.layers.{}.block.experts.{}.up_projection"
    base = {name.format(n, m): "Linear" for n in range(100) for m in range(100)}
    assert aligned_paths({"0": "A"} | base, {"1": "A"} | base)["0"] == "1"
