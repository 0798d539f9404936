"""The options that choose the interface of a design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sctorch import ir
from sctorch.checks import check_choice, check_flag, check_range
from sctorch.errors import ConfigError, UnsupportedError

__all__ = ["INTERFACES", "OPTIONS", "Interface", "choose"]

INTERFACES = ("core", "stream", "axi", "uart", "spi")
# Options of the backend that belong here, and what stands when they are not given; None: by the interface.
OPTIONS: dict[str, Any] = {
    "interface": "core",
    "bus_bits": None,
    "axi_lite": False,
    "every_timestep": False,
    "double_buffer": False,
    "clocks_per_bit": None,
}
_BUSES = {"stream": 8, "axi": 32, "uart": 8, "spi": 8}


@dataclass(frozen=True)
class Interface:
    """What stands between a core and its user.

    kind : of INTERFACES. bus_bits : of a beat that comes in. axi_lite : a register block beside the streams.
    every_timestep : an answer per timestep and not per window. double_buffer : an image loads while another runs.
    clocks_per_bit : of the UART.
    """

    kind: str
    bus_bits: int
    axi_lite: bool
    every_timestep: bool
    double_buffer: bool
    clocks_per_bit: int

    @property
    def board(self) -> bool:
        """Whether the ports are few enough for any package, and packets end by count."""
        return self.kind in ("uart", "spi")


def choose(options: Mapping[str, Any], network: ir.Network, folded: bool = False) -> Interface | None:
    """The interface that checked or unchecked options ask for; None for the bare core. folded : the architecture.

    Raises
    ------
    ConfigError
        For a value that is not allowed, or an option that this interface or network has no use for.
    UnsupportedError
        For an answer per timestep of spikes over SPI.
    """
    chosen = {**OPTIONS, **{key: value for key, value in options.items() if key in OPTIONS}}
    kind = check_choice(chosen["interface"], INTERFACES, "verilog backend: interface")
    for key in ("axi_lite", "every_timestep", "double_buffer"):
        check_flag(chosen[key], f"verilog backend: {key}")
    uses = {
        "bus_bits": ("stream", "axi"),
        "axi_lite": ("axi",),
        "every_timestep": INTERFACES[1:],
        "double_buffer": INTERFACES[1:],
        "clocks_per_bit": ("uart",),
    }
    for key, kinds in uses.items():
        if kind not in kinds and chosen[key] != OPTIONS[key]:
            raise ConfigError(
                f"verilog backend: {key} = {chosen[key]!r} has no use with interface {kind!r}; "
                f"it belongs to {', '.join(kinds)}"
            )
    if kind == "core":
        return None
    if folded and chosen["double_buffer"]:
        raise ConfigError(
            "verilog backend: double_buffer has no use with the folded architecture, whose core takes the next image "
            "while one runs; leave it out"
        )
    if isinstance(network.encoder, ir.EventEncoder):
        if chosen["double_buffer"]:
            raise ConfigError(
                "verilog backend: double_buffer keeps images, and this network takes spikes; leave it out"
            )
        if kind == "spi" and chosen["every_timestep"]:
            raise UnsupportedError(
                "every_timestep for a network that takes spikes", "the verilog backend's interface 'spi'",
                "A window of spikes is one transfer, and answers are read in another. Take uart or stream.",
            )  # fmt: skip
    bus = _BUSES[kind] if chosen["bus_bits"] is None else chosen["bus_bits"]
    bus = check_range(bus, 8, 1024, "verilog backend: bus_bits")
    if bus & (bus - 1):
        raise ConfigError(f"verilog backend: bus_bits = {bus} must be a power of two from 8 to 1024")
    clocks = 104 if chosen["clocks_per_bit"] is None else chosen["clocks_per_bit"]
    clocks = check_range(clocks, 4, 1 << 16, "verilog backend: clocks_per_bit")
    return Interface(kind, bus, chosen["axi_lite"], chosen["every_timestep"], chosen["double_buffer"], clocks)
