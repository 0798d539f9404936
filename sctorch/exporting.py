"""export(): a torch or integer network becomes a design in a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sctorch import ir
from sctorch.backends import Design, export_network
from sctorch.backends.verilog.names import KEYWORDS
from sctorch.errors import ConfigError
from sctorch.hardware.targets import get_target
from sctorch.ir.layers import RESERVED
from sctorch.lower import lower
from sctorch.nn import ConvertedNetwork, Encoder, SpikingNetwork, from_snntorch

__all__ = ["export"]


def export(
    net: SpikingNetwork | ir.Network | torch.nn.Module,
    folder: str | Path,
    backend: str = "verilog",
    target: str = "ice40-hx8k",
    name: str | None = None,
    meta: Mapping[str, str] | None = None,
    num_steps: int | None = None,
    encoder: Encoder | None = None,
    **options: Any,
) -> Design:
    """Write a network as hardware, compile what simulates it, and return the design.

    Parameters
    ----------
    net : a torch network, an integer network, or a snntorch network (see `sctorch.nn.from_snntorch`, which has
        more to choose from).
    folder : where the design goes; written beside and renamed, so that it is whole or absent.
    backend : "verilog" (our own RTL), "hls" (an hls4ml project for Vitis), "onnx" (integer ONNX graphs) or "nir" (a
        graph for other libraries of spiking networks).
    target : the part that it is meant for (`sctorch.hardware.targets`).
    name : the design's name (a-z, 0-9, _); by default the folder's. An integer network has its own.
    meta : texts that travel with the design, such as class names. An integer network has its own.
    num_steps, encoder : of a snntorch network; every other has its own.
    options : the backend's own.

    Raises
    ------
    ConfigError
        For an unknown backend, target or option, or a folder that cannot be written.
    UnsupportedError
        For a layer that the backend cannot do, before anything is written.
    ToolNotFoundError, ToolFailedError
        When a tool it needs is missing or fails.

    Examples
    --------
    >>> import sctorch, tempfile, torch
    >>> from sctorch import nn
    >>> net = nn.SpikingNetwork(nn.RateEncoder(4, bits=4), nn.SCLinear(4, 2, weight_bits=3),
    ...                         nn.SNNReadout(2, output_mode="membrane"), num_steps=8)
    >>> folder = tempfile.mkdtemp() + "/tiny"
    >>> design = sctorch.export(net, folder, backend="verilog", target="ice40-hx8k")
    >>> sctorch.verify(net, design, torch.rand(10, 4)).ok
    True
    """
    get_target(target)
    folder = Path(folder)
    if isinstance(net, SpikingNetwork | ir.Network):
        if num_steps is not None or encoder is not None:
            raise ConfigError("export: this network has its num_steps and encoder already; leave both out")
    else:
        net = from_snntorch(net, 1 if num_steps is None else num_steps, encoder)  # names what is no snntorch network
        if num_steps is None:
            raise ConfigError("export: a snntorch network needs num_steps, the timesteps of one window")
    if isinstance(net, ir.Network):
        if name is not None or meta is not None:
            raise ConfigError("export: an integer network has its name and meta already; leave both out")
        network = net
    else:
        converted = net.converted_meta() if isinstance(net, ConvertedNetwork) else {}
        network = lower(net, name or _identifier(folder.absolute().name), converted | dict(meta or {}))
    return export_network(network, folder, backend, options, target)


def _identifier(text: str) -> str:
    """A design's name made from a folder's: any folder gives one that every backend takes."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "net"
    if not name[0].isalpha() or name.startswith("sct_"):
        name = f"net_{name}"
    return f"{name}_net" if name in RESERVED or name in KEYWORDS else name
