"""Verilog of our own, run through CXXRTL."""

from sctorch.backends.verilog.backend import OPTIONS, check, export, load
from sctorch.backends.verilog.design import VerilogDesign
from sctorch.backends.verilog.folded.design import FoldedDesign
from sctorch.backends.verilog.unrolled.design import UnrolledDesign

__all__ = ["OPTIONS", "FoldedDesign", "UnrolledDesign", "VerilogDesign", "check", "export", "load"]
