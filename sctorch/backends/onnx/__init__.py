"""Integer ONNX graphs of standard operators: one timestep, and a whole window. docs/onnx.md says what they hold."""

from sctorch.backends.onnx.design import OPTIONS, OnnxDesign, check, export, load

__all__ = ["OPTIONS", "OnnxDesign", "check", "export", "load"]
