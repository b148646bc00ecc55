"""Configure pytest for the tests and benchmarks of this repository."""

import pytest

pytest_plugins = ["pytester"]

collect_ignore = ["benchmarks/more"]  # unless the command line names it

_ARTICLE_ORDER = (
    "ladder",
    "batch_size",
    "data_workers",
    "compile",
    "runtime",
    "ipex",
    "distributed",
    "xla",
)
"""Names of the benchmark files, without ``test_``, in the order of the article's sections."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the benchmarks into the order of the article; all other tests come after them."""

    def position(item: pytest.Item) -> int:
        section = item.path.stem.removeprefix("test_")
        return _ARTICLE_ORDER.index(section) if section in _ARTICLE_ORDER else len(_ARTICLE_ORDER)

    items.sort(key=position)
