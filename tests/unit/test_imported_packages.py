"""Test the list of imported packages in separate processes, whose modules are known."""

import json
import subprocess
import sys
import textwrap

import pytest

from traingate.host import packages


@pytest.fixture
def folders(tmp_path):
    """Return a folder in which ``install`` and ``report`` work."""
    for name in ("site-packages", "project", "elsewhere"):
        (tmp_path / name).mkdir()
    return tmp_path


def install(site, name, version, modules, url=None):
    """Install a distribution as pip does; *modules* are texts by path."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if url is not None:
        (folder / "direct_url.json").write_text(json.dumps(url))
    for path, text in modules.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    lines = [f"{path},sha256={text},1" for path, text in modules.items()]
    (folder / "RECORD").write_text("\n".join([*lines, f"{folder.name}/RECORD,,"]))
    return folder


def report(folders, program, *search_path):
    """Return the packages of a process that runs *program* with these folders to import from."""
    text = f"""
        import json, sys
        sys.path[:0] = {[str(folder) for folder in search_path]!r}
        from traingate.host.imported_packages import Project, imported_packages
        {program}
        project = Project(({str(folders / "project")!r},), frozenset(["own-project"]))
        print(json.dumps(vars(imported_packages(project))))
    """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, check=True
    )
    return json.loads(process.stdout)


def test_an_imported_package_is_told_from_one_that_is_only_installed(folders):
    site = folders / "site-packages"
    install(site, "The.Helper", "1.0", {"helper/__init__.py": "", "helper/part.py": ""})
    install(site, "idle", "2.0", {"idle.py": ""})
    result = report(folders, "import helper.part", site)
    assert result["versions"]["the-helper"] == "1.0"
    assert "the-helper" not in result["sources"]
    assert "idle" not in result["versions"]
    assert result["other_versions"]["idle"] == "2.0"


def test_packages_that_share_a_namespace_are_told_apart(folders):
    site = folders / "site-packages"
    for name in ("one", "two"):
        install(site, f"space-{name}", "1.0", {f"space/{name}/__init__.py": ""})
    result = report(folders, "import space.two", site)
    assert "space-two" in result["versions"]
    assert "space-one" in result["other_versions"]


def test_a_package_without_a_list_of_its_files_is_found_by_its_modules(folders):
    site = folders / "site-packages"
    folder = install(site, "python-helper", "1.0", {"helper.py": ""})
    (folder / "RECORD").unlink()
    (folder / "top_level.txt").write_text("helper\n")
    assert "python-helper" in report(folders, "import helper", site)["versions"]


@pytest.mark.parametrize(
    ("url", "digest"),
    [
        ({"url": "https://host/helper", "vcs_info": {"vcs": "git", "commit_id": "ab12"}}, "ab12"),
        ({"url": "file:///a.whl", "archive_info": {"hash": "sha256=cd34"}}, "sha256=cd34"),
        ({"url": "file:///a.whl", "archive_info": {"hashes": {"md5": "ef56"}}}, "md5=ef56"),
        ({"url": "file:///helper", "dir_info": {}}, None),
    ],
    ids=["repository", "archive", "archive of another installer", "folder"],
)
def test_a_package_that_is_not_of_an_index_has_its_origin_and_content(folders, url, digest):
    site = folders / "site-packages"
    install(site, "helper", "1.0", {"helper.py": ""}, url)
    source = report(folders, "import helper", site)["sources"]["helper"]
    assert source["from"] == url["url"]
    assert source["digest"] == (digest or source["digest"])
    assert len(source["digest"]) >= 4


def editable(folders, source):
    (source).mkdir(exist_ok=True)
    (source / "helper.py").write_text("speed = 1")
    url = {"url": f"file://{source}", "dir_info": {"editable": True}}
    install(folders / "site-packages", "helper", "1.0", {"helper.pth": str(source)}, url)


def test_an_editable_package_has_a_digest_of_its_files(folders):
    source, site = folders / "elsewhere" / "helper", folders / "site-packages"
    editable(folders, source)
    (source / "unused.py").write_text("")
    before = report(folders, "import helper", site, source)
    (source / "unused.py").write_text("changed")
    unchanged = report(folders, "import helper", site, source)
    (source / "helper.py").write_text("speed = 2")
    after = report(folders, "import helper", site, source)
    assert before["versions"]["helper"] == after["versions"]["helper"] == "1.0"
    assert before["sources"] == unchanged["sources"]
    assert before["sources"]["helper"]["from"] == f"editable {source}"
    assert before["sources"]["helper"]["digest"] != after["sources"]["helper"]["digest"]


def test_the_digest_of_a_package_does_not_depend_on_which_of_its_modules_are_imported(folders):
    place = folders / "elsewhere"
    (place / "helper" / "part").mkdir(parents=True)
    for file in ("__init__.py", "part/__init__.py", "part/deep.py"):
        (place / "helper" / file).write_text("")
    all_imported = report(folders, "import helper.part.deep", place)["sources"]["helper"]
    assert report(folders, "import helper", place)["sources"]["helper"] == all_imported
    (place / "helper" / "part" / "deep.py").write_text("speed = 2")
    assert report(folders, "import helper", place)["sources"]["helper"] != all_imported


def test_the_project_is_code_but_packages_installed_below_it_are_environment(folders):
    source, site = folders / "project" / "src", folders / "site-packages"
    editable(folders, source)
    inside = folders / "project" / ".venv" / "lib" / "site-packages"
    inside.mkdir(parents=True)
    install(inside, "library", "1.0", {"library.py": ""})
    (source / "loose.py").write_text("")
    result = report(folders, "import helper, library, loose", site, source, inside)
    names = {*result["versions"], *result["other_versions"]}
    assert "library" in result["versions"]
    assert not {"helper", "loose"} & names


def test_an_installed_copy_of_the_project_is_code_but_another_archive_in_it_is_not(folders):
    site = folders / "site-packages"
    place = f"file://{folders}/project"
    install(site, "copied", "1.0", {"copied.py": ""}, {"url": f"{place}/part", "dir_info": {}})
    install(site, "Own_Project", "1.0", {"own.py": ""})
    install(
        site, "vendored", "1.0", {"vendored.py": ""}, {"url": f"{place}/a.whl", "archive_info": {}}
    )
    result = report(folders, "import copied, own, vendored", site)
    names = {*result["versions"], *result["other_versions"]}
    assert not {"copied", "own-project"} & names
    assert result["versions"]["vendored"] == "1.0"


def test_a_module_of_no_distribution_is_identified_by_its_content(folders):
    module = folders / "elsewhere" / "loose.py"
    module.write_text("speed = 1")
    before = report(folders, "import loose", folders / "elsewhere")
    module.write_text("speed = 2")
    after = report(folders, "import loose", folders / "elsewhere")
    assert before["versions"]["loose"] == "unversioned"
    assert before["sources"]["loose"]["from"] == str(folders / "elsewhere")
    assert before["sources"]["loose"]["digest"] != after["sources"]["loose"]["digest"]


def test_a_private_module_of_no_distribution_is_identified_unless_an_installer_put_it_there(
    folders,
):
    module = folders / "elsewhere" / "_helpers.py"
    (folders / "site-packages" / "_hook.py").write_text("")
    reports = []
    for text in ("speed = 1", "speed = 2"):
        module.write_text(text)
        program = "import _helpers, _hook"
        search_path = (folders / "elsewhere", folders / "site-packages")
        reports.append(report(folders, program, *search_path))
    before, after = reports
    assert before["versions"]["_helpers"] == "unversioned"
    assert "_hook" not in before["versions"]
    assert before["sources"]["_helpers"]["digest"] != after["sources"]["_helpers"]["digest"]


def leave_behind(site):
    """Leave in *site* what interrupted installations leave, with and without metadata."""
    install(site, "torch", "0.1", {}).rename(site / "~orch-0.1.dist-info")
    (site / "~umpy-2.0.dist-info").mkdir()
    (site / "torch-0.2.dist-info").mkdir()
    nameless = site / "nameless-1.0.dist-info"
    nameless.mkdir()
    (nameless / "METADATA").write_text("Metadata-Version: 2.1\n")
    binary = site / "binary-1.0.dist-info"
    binary.mkdir()
    (binary / "METADATA").write_bytes(b"Name: \xff\xfe\n")
    (site / "damaged-1.0.dist-info").mkdir()
    (site / "damaged-1.0.dist-info" / "direct_url.json").write_text("{")


def test_leftovers_of_interrupted_installations_are_skipped(folders, monkeypatch):
    site = folders / "site-packages"
    leave_behind(site)
    folder = install(site, "helper", "1.0", {"helper.py": ""})
    (folder / "direct_url.json").write_text("{")
    versions = report(folders, "import helper", site)
    names = {**versions["versions"], **versions["other_versions"]}
    assert names["helper"] == "1.0"
    assert names.get("torch") not in {"0.1", "0.2"}
    assert not {"nameless", "binary", "damaged", "umpy", "~umpy"} & {*names}
    monkeypatch.syspath_prepend(site)
    assert packages.version("torch") not in {"0.1", "0.2"}
    assert packages.version("nameless") is None
    assert packages.torch_mismatch("binary") is None


@pytest.mark.parametrize(
    "hook",
    ["__editable___helper_finder", "_editable_impl_helper", "_helper_editable_loader",
     "_helper_editable"],
)  # fmt: skip
def test_the_import_hook_of_an_editable_package_does_not_import_it(folders, hook):
    site = folders / "site-packages"
    install(site, "helper", "1.0", {f"{hook}.py": ""})
    assert "helper" in report(folders, f"import {hook}", site)["other_versions"]


def test_a_library_without_a_module_is_found_by_its_loaded_file(folders):
    site = folders / "site-packages"
    folder = install(site, "runtime", "1.0", {})
    (folder / "RECORD").write_text("../../libruntime.so,,\n")
    load = """
        from pathlib import Path
        from traingate.host import imported_packages as module
        path = Path(sys.prefix) / "lib" / "libruntime.so"
        module.loaded_libraries = lambda: [path]
    """
    assert "runtime" not in report(folders, "", site)["versions"]
    assert report(folders, load.strip(), site)["versions"]["runtime"] == "1.0"
