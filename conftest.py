"""Repository defaults for the suite's own tests and benchmarks."""

pytest_plugins = ["pytester"]
