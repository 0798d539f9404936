"""Integer ONNX graphs of standard operators: one timestep, and a whole window. docs/onnx.md says what they hold."""

from sctorch.backends.onnx.design import OnnxDesign, check, export, load

__all__ = ["OnnxDesign", "check", "export", "load"]
