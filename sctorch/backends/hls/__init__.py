"""An hls4ml project with kernels of our own, run through its C simulation."""

from sctorch.backends.hls.design import HlsDesign, export, load

__all__ = ["HlsDesign", "export", "load"]
