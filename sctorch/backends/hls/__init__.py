"""An hls4ml project with kernels of our own, run through its C simulation."""

from sctorch.backends.hls.design import HlsDesign, check, export, load

__all__ = ["HlsDesign", "check", "export", "load"]
