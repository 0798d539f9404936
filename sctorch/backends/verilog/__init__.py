"""Verilog of our own, run through CXXRTL."""

from sctorch.backends.verilog.design import VerilogDesign, check, export, load

__all__ = ["VerilogDesign", "check", "export", "load"]
