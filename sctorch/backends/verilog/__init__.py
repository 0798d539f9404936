"""Verilog of our own, run through CXXRTL."""

from sctorch.backends.verilog.design import VerilogDesign, export, load

__all__ = ["VerilogDesign", "export", "load"]
