"""An hls4ml project with kernels of our own, run through its C simulation."""

from sctorch.backends.hls.design import OPTIONS, HlsDesign, check, export, load

__all__ = ["OPTIONS", "HlsDesign", "check", "export", "load"]
