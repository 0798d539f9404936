"""Verilog of our own, run through CXXRTL."""

from sctorch.backends.verilog.backend import OPTIONS, check, export, load
from sctorch.backends.verilog.design import VerilogDesign
from sctorch.backends.verilog.folded.design import FoldedDesign

__all__ = ["OPTIONS", "FoldedDesign", "VerilogDesign", "check", "export", "load"]
