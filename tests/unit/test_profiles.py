import re

import msgspec
import pytest

from traingate.errors import ConfigurationError
from traingate.records.profile import Cell, Profile
from traingate.report.flame_graph import MAX_DEPTH, collapsed_stacks, frames, render_flame_graph
from traingate.report.profile_table import profile_lines
from traingate.report.profiles import (
    ProfileFile,
    make_profile_folder,
    read_profiles,
    write_profiles,
)

ALIKE = ["a.py::t[1-2]", "a.py::t[1_2]", "a.py::t[1]2]", "a/py::t[1-2]", "b" * 300, "bb" * 300]


def profile(**seconds):
    cells = [
        Cell("forward", "layer1.0", operator, "float[8]", 2.0, value)
        for operator, value in seconds.items()
    ]
    return Profile(steps=2, step_seconds=sum(seconds.values()), cells=tuple(cells))


def test_tests_with_similar_or_long_names_have_folders_of_their_own(tmp_path):
    folders = [make_profile_folder(tmp_path / "profiles", test) for test in ALIKE]
    assert len(set(folders)) == len(ALIKE)
    assert folders[0].name.startswith("a_py__t_1_2_-")
    for folder, test in zip(folders, ALIKE, strict=True):
        write_profiles(folder, ProfileFile(test=test, candidate=profile(conv=0.1)))
    assert [read_profiles(folder).test for folder in folders] == ALIKE


def test_a_name_of_any_characters_can_be_a_folder(tmp_path):
    name = "a.py::t[\ud800-" + "\N{SNOWMAN}" * 200 + "/../../x]"
    folder = make_profile_folder(tmp_path, name)
    assert folder.parent == tmp_path
    assert folder.is_dir()


def test_profiles_with_names_that_are_not_utf8_are_written_with_escapes(tmp_path):
    name = "a\udcff.py::test"
    folder = make_profile_folder(tmp_path, name)
    write_profiles(folder, ProfileFile(test=name, candidate=profile(**{"lone \udcff": 0.1})))
    content = read_profiles(folder)
    assert content.test == "a\\udcff.py::test"
    assert content.candidate.cells[0].operator == "lone \\udcff"


def test_a_folder_or_a_file_that_cannot_be_written_is_an_error_without_traceback(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"--traingate-profile: .* cannot be made"):
        make_profile_folder(tmp_path / "file", "a.py::test")
    folder = make_profile_folder(tmp_path, "a.py::test")
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="is a link, and was not followed"):
        make_profile_folder(tmp_path, "a.py::test")
    content = ProfileFile(test="a.py::test", candidate=profile(conv=0.1))
    with pytest.raises(ConfigurationError, match=r"--traingate-profile: .* was not written"):
        write_profiles(tmp_path / "file", content)


def test_a_file_with_a_key_that_stands_twice_is_an_error_that_names_both(tmp_path):
    write_profiles(tmp_path, ProfileFile(test="a.py::test", candidate=profile(conv=0.1)))
    file = tmp_path / "profile.json"
    file.write_text(
        file.read_text().replace('"step_seconds":', '"step_seconds": 9.0, "step_seconds":')
    )
    with pytest.raises(ConfigurationError, match=r"profile\.json is no .*'step_seconds' twice"):
        read_profiles(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "two"}', "[]"])
def test_a_damaged_file_is_an_error_without_traceback(tmp_path, text):
    (tmp_path / "profile.json").write_text(text)
    with pytest.raises(ConfigurationError, match="is no profile of traingate"):
        read_profiles(tmp_path)


def test_a_missing_file_is_an_error_without_traceback(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_profiles(tmp_path / "missing")


def test_tables_are_kept_as_json_that_is_checked_when_read(tmp_path):
    content = ProfileFile(test="a", candidate=profile(conv=0.1), base=profile(conv=0.05))
    write_profiles(tmp_path, content)
    assert read_profiles(tmp_path) == content
    assert msgspec.json.schema(ProfileFile)["$ref"] == "#/$defs/ProfileFile"


def test_frames_have_the_time_of_both_sides_and_of_all_that_is_inside():
    root = frames(profile(conv=0.3, copy=0.1), profile(conv=0.2, old=0.4)).as_json()
    assert (root["now"], root["base"]) == (pytest.approx(400), pytest.approx(600))
    layer = root["children"][0]["children"][0]
    assert [layer["name"], layer["children"][0]["name"]] == ["layer1", "0"]
    operators = layer["children"][0]["children"]
    assert [(each["name"], each["now"], each["base"]) for each in operators] == [
        ("old", 0, 400),
        ("conv", pytest.approx(300), pytest.approx(200)),
        ("copy", pytest.approx(100), 0),
    ]


def test_the_page_holds_all_that_it_needs_and_escapes_names():
    cells = (Cell("forward", "", "</script><b>", "", 1.0, 0.1),)
    page = render_flame_graph("<t>", "&", Profile(steps=1, step_seconds=0.1, cells=cells))
    assert "&lt;t&gt;" in page
    assert "</script><b>" not in page
    assert not re.search(r"<(script|img|iframe)[^>]+src=|<link[^>]+href=.(?!data:)", page)


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 400, 100_000])
def test_the_modules_of_a_very_deep_path_end_in_one_frame(depth):
    names = [str(number) for number in range(depth)]
    cell = Cell("forward", ".".join(names), "aten::mm", "", 1.0, 0.1)
    deep = Profile(steps=1, step_seconds=0.1, cells=(cell,))
    assert "aten::mm" in render_flame_graph("t", "s", deep, deep)
    (frame,) = frames(deep, None).children.values()
    frame_names = []
    while frame.children:
        (frame,) = frame.children.values()
        frame_names.append(frame.name)
    assert len(frame_names) == min(depth, MAX_DEPTH) + 1
    assert ".".join(frame_names) == f"{cell.module}.aten::mm"


def test_stacks_are_those_that_speedscope_reads():
    assert collapsed_stacks(profile(conv=0.3)) == "forward;layer1;0;conv 300000\n"


def test_a_profile_is_shown_by_phase_operator_and_module():
    text = "\n".join(profile_lines(profile(conv=0.3, copy=0.1)))
    assert "  operators    300.000 ms  75.0 %      2.0 calls  conv" in text
    assert "layer1.0" in text
