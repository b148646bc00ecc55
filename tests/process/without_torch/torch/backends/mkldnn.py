"""The library oneDNN, which is not there."""


class matmul:  # noqa: N801 - torch's name
    """Setting of matrix products."""

    fp32_precision = "none"


def is_available():
    """Return False: there is no oneDNN."""
    return False
