"""The settings of the libraries that compute."""

from torch.backends import mkldnn

__all__ = ["mkldnn"]

fp32_precision = "none"
