from traingate.causes.alignment import aligned_paths


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
