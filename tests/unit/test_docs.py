import json
import re
from inspect import isclass
from pathlib import Path
from typing import get_origin

import pytest
import schemas
from click import Context

import traingate
from traingate import layers, records
from traingate.cli import main
from traingate.gate.limits import Limits
from traingate.options import OPTIONS as PLUGIN_OPTIONS

DOCS = Path(__file__).parents[2] / "docs"
OPTIONS = (DOCS / "use" / "options.md").read_text()
API = (DOCS / "api.md").read_text()


@pytest.mark.parametrize("option", PLUGIN_OPTIONS, ids=lambda option: option.name)
def test_each_option_is_documented_with_its_ini_key(option):
    key = f"traingate_{option.name.replace('-', '_')}"
    assert f"| `--traingate-{option.name} {option.metavar}` | `{key}` |" in OPTIONS


def test_no_option_is_documented_that_does_not_exist():
    documented = set(re.findall(r"--traingate-([a-z-]+)", OPTIONS))
    assert documented <= {option.name for option in PLUGIN_OPTIONS}


@pytest.mark.parametrize("keyword", vars(Limits()))
def test_each_keyword_of_the_marker_is_documented(keyword):
    assert f"`{keyword}`" in OPTIONS


@pytest.mark.parametrize("command", main.list_commands(Context(main)))
def test_each_subcommand_is_documented(command):
    assert f"`traingate {command}" in OPTIONS


@pytest.mark.parametrize("name", [name for name in records.__all__ if name[0].isupper()])
def test_each_record_is_on_the_api_page(name):
    if isclass(getattr(records, name)) and get_origin(getattr(records, name)) is None:
        assert f":: traingate.records.{name}" in API


@pytest.mark.parametrize("module", [traingate, layers], ids=["traingate", "layers"])
def test_each_exported_class_is_on_the_api_page(module):
    for name in module.__all__:
        assert re.search(rf":: {module.__name__}\.{name}\b", API), name


@pytest.mark.parametrize("name", [getattr(layers, name).name for name in layers.__all__])
def test_each_layer_fixture_is_documented(name):
    assert f"| `{name}` |" in (DOCS / "use" / "layers.md").read_text()


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_the_published_schemas_are_those_of_the_records(name):
    published = json.loads((schemas.FOLDER / name).read_text())
    current = json.loads(schemas.schema_text(schemas.SCHEMAS[name]))
    assert without_descriptions(published) == without_descriptions(current)


def without_descriptions(value):
    """Return a schema without its texts, whose indentation depends on the version of Python."""
    if isinstance(value, list):
        return [without_descriptions(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without_descriptions(item) for name, item in value.items() if name != "description"
    }
