"""Every error that sctorch raises on purpose.

Each message says what is wrong, where, what is allowed and what to do.
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "MismatchError",
    "ObservationLoadError",
    "SctorchError",
    "ShapeError",
    "ToolFailedError",
    "ToolNotFoundError",
    "UnsupportedError",
]


class SctorchError(Exception):
    """Base of all errors raised by sctorch."""


class ConfigError(SctorchError, ValueError):
    """A value outside what is allowed: the field, the value, and the allowed range."""


class ShapeError(SctorchError, ValueError):
    """An array whose shape does not fit: the expected and the given shape."""


class UnsupportedError(SctorchError):
    """Something valid that cannot be done here.

    Parameters
    ----------
    what : what was asked for.
    where : the layer, backend or target that cannot do it.
    alternatives : ways out, one sentence.
    """

    def __init__(self, what: str, where: str, alternatives: str) -> None:
        super().__init__(f"{where}: {what} is not supported. {alternatives}")
        self.what, self.where, self.alternatives = what, where, alternatives


class ToolNotFoundError(SctorchError):
    """An external program is missing: which one, and how to install it."""

    def __init__(self, tool: str, how: str) -> None:
        super().__init__(f"{tool} was not found. {how}")
        self.tool, self.how = tool, how


class ToolFailedError(SctorchError):
    """An external program ran and failed: its command and the end of its log."""

    def __init__(self, command: str, log: str, lines: int = 25) -> None:
        tail = "\n".join(log.strip().splitlines()[-lines:])
        super().__init__(f"command failed: {command}\n--- last lines of its output ---\n{tail}")
        self.command, self.log = command, log


class MismatchError(SctorchError):
    """Two executions of one network differ: where they first do, and by what."""

    def __init__(self, pair: str, layer: str, timestep: int, window: int, neuron: int, expected: int, got: int) -> None:
        super().__init__(
            f"{pair}: first difference in layer {layer!r}, timestep {timestep}, window {window}, "
            f"neuron {neuron}: expected {expected}, got {got}"
        )
        self.pair, self.layer, self.timestep, self.window = pair, layer, timestep, window
        self.neuron, self.expected, self.got = neuron, expected, got


class ObservationLoadError(SctorchError, ValueError):
    """Evidence that cannot be trusted: the file or record, the field, what was found, and what was looked for."""
