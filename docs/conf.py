"""Sphinx configuration: ``tox run -e docs`` builds the site from the Markdown files of this folder.

The API page imports traingate. It does not need torch, which the package imports only in workers.
"""

from importlib import metadata
from typing import Any

project = "pytest-traingate"
author = "the pytest-traingate developers"
release = metadata.version(project)
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False

# Targets for links to sections of other pages.
myst_heading_anchors = 3

add_module_names = False
python_use_unqualified_type_names = True
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
# As a list, like arguments: signatures have the types, and one line may describe two attributes.
napoleon_custom_sections = [("Attributes", "params_style")]

nitpicky = True
nitpick_ignore_regex = [
    # The site is built without network, so it has no index of other projects' names.
    ("py:.*", r"(builtins|collections|contextlib|msgspec|pathlib|pytest|torch|typing)\..*"),
    # Types that signatures name and that the API page does not describe: they are not public.
    ("py:class", r"(.*\.)?(AbstractContextManager|Dataset|JSON|Ranks|RunCpu|StepBody|StepContext)"),
    ("py:exc", r"(.*\.)?ConfigurationError"),
]


def restore_first_line(
    _app: Any, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Undo what napoleon does to a property whose docstring has a colon in its first line.

    It takes the text before the colon for a type. Properties have theirs in their signatures.
    """
    marker = ":type: "
    types = [line for line in lines if line.startswith(marker)]
    if what == "property" and types:
        lines.remove(types[0])
        lines[0] = f"{types[0].removeprefix(marker)}: {lines[0]}"


def replace_factories(
    _app: Any, _what: str, _name: str, _obj: Any, _options: Any, signature: str | None, returns: Any
) -> tuple[str | None, Any]:
    """Show ``...`` for defaults that a dataclass makes anew: Sphinx cannot parse ``<factory>``."""
    return (signature and signature.replace("<factory>", "...")), returns


def setup(app: Any) -> None:
    """Register the hooks; the first one must run after napoleon's."""
    app.connect("autodoc-process-docstring", restore_first_line, priority=600)
    app.connect("autodoc-process-signature", replace_factories)
