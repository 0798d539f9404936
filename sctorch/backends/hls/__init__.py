"""An hls4ml project with kernels of our own, run through its C simulation."""

from sctorch.backends.hls.design import HlsDesign, check, export, load
from sctorch.backends.hls.options import OPTIONS

__all__ = ["OPTIONS", "HlsDesign", "check", "export", "load"]
