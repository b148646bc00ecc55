"""Repository defaults for the suite's own tests and benchmarks."""

import pytest

pytest_plugins = ["pytester"]

_ARTICLE = ("ladder", "batch_size", "data_workers", "compile", "runtime", "ipex", "distributed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure in the article's order: the ladder, then its sections; XLA is the last."""

    def place(item: pytest.Item) -> int:
        section = item.path.stem.removeprefix("test_")
        return _ARTICLE.index(section) if section in _ARTICLE else len(_ARTICLE)

    items.sort(key=place)
