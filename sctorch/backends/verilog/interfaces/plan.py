"""What a wrapper is made of: beats, lanes, buffers and widths, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sctorch import ir
from sctorch.backends.verilog.interfaces.options import Interface
from sctorch.backends.verilog.ports import answer_port, input_width

__all__ = ["Core", "Lane", "WrapperPlan", "plan_wrapper"]


@dataclass(frozen=True)
class Core:
    """What a wrapper has to know of the core inside.

    latency : clocks from a timestep's first beat to its decision, at most. window_clocks : from one window of num_steps
    timesteps to the next, at most. word_bits : what it takes at once. words : of those an image, or a tick of spikes.
    folded : whether it takes an image word by word and keeps it; else it is shown the whole image in every timestep.
    store : where weights may be loaded, the bits of the number of a layer, of a word, and of a part of it.
    """

    latency: int
    window_clocks: int
    word_bits: int
    words: int = 1
    folded: bool = False
    store: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Lane:
    """One bit of the bus, kept beat by beat in a shift register.

    beats : those kept, in order; the last one kept is the newest. mask : beats at which it shifts, None for all.
    """

    bit: int
    beats: tuple[int, ...]
    mask: int | None


@dataclass(frozen=True)
class WrapperPlan:
    """The parts of a wrapper.

    beats : of the bus that carry an image or a tick. stored : those of them that are kept; a tick's last beat goes to
    the core as it comes, and a folded core keeps everything itself.
    lanes : the shift registers that keep them, used inputs only.
    answer_bits : of m_data, the answer with its sign or zeros before it. depth : answers that the FIFO holds.
    """

    network: ir.Network
    interface: Interface
    core: Core
    beats: int
    stored: int
    used: tuple[bool, ...]
    lanes: tuple[Lane, ...]
    answer_bits: int
    depth: int

    @property
    def events(self) -> bool:
        return isinstance(self.network.encoder, ir.EventEncoder)

    @property
    def ticks(self) -> int:
        """Ticks of the encoder per timestep; with features one."""
        return self.network.encoder_ticks if self.events else 1

    @property
    def steps_bits(self) -> int:
        return self.network.num_steps.bit_length()

    @property
    def top(self) -> str:
        return f"{self.network.name}_{self.interface.kind}"

    @property
    def split_bits(self) -> int:
        """Bits of the words that beats become for a folded core; one word takes what fills its last beat up."""
        return self.beats * self.interface.bus_bits if self.core.words == 1 else self.core.word_bits

    @property
    def most_asked(self) -> int:
        """Answers that are asked for at once, at most: of a folded core all of an image's."""
        every = self.core.folded and self.interface.every_timestep and not self.events
        return self.network.num_steps if every else 1

    @property
    def cycles_per_inference(self) -> int:
        """Clocks from one window to the next: an image's beats come before the core's own, or beside them with a
        double buffer, as in a folded core. (A byte on a UART or SPI takes longer than a beat.)"""
        core = self.core.window_clocks
        if self.events:
            return max(core, self.network.num_steps * self.ticks * self.beats)
        if self.core.folded:
            return max(core, self.beats)
        return max(self.beats + 1, core) if self.interface.double_buffer else self.beats + core

    @property
    def kept_bits(self) -> int:
        """Flip-flops that hold the image, or the tick's beats before its last."""
        return sum(len(lane.beats) for lane in self.lanes)


def plan_wrapper(network: ir.Network, interface: Interface, core: Core) -> WrapperPlan:
    """The wrapper of a core."""
    width = input_width(network)
    used = np.repeat(_used_inputs(network), width)
    beats = -(-len(used) // interface.bus_bits)
    events = isinstance(network.encoder, ir.EventEncoder)
    stored = 0 if core.folded else beats - 1 if events else beats
    answer = answer_port(network)[1]
    return WrapperPlan(
        network=network,
        interface=interface,
        core=core,
        beats=beats,
        stored=stored,
        used=tuple(used.tolist()),
        lanes=tuple(_lanes(used, interface.bus_bits, stored)),
        answer_bits=max(8, 1 << (answer - 1).bit_length()),
        depth=_depth(network.num_steps, core, interface, events),
    )


def _used_inputs(network: ir.Network) -> np.ndarray:
    """bool [n_features]: which inputs have a synapse at all."""
    columns = (network.synapses[0].weight != 0).any(axis=0)
    return columns.reshape(network.encoder.n_features, -1).any(axis=1)


def _lanes(used: np.ndarray, bus: int, stored: int) -> list[Lane]:
    """A shift register per bit of the bus. It shifts at every beat and is then as long as the way back to its first
    used beat, or at its used beats alone where that saves more flip-flops than choosing them takes LUTs."""
    grid = np.zeros(max(stored, 1) * bus, dtype=bool)
    grid[: min(len(used), stored * bus)] = used[: stored * bus]
    choosing = max(1, 2 * max(stored, 1) // 16)  # LUT4 of a function of the beat's number, at worst
    lanes = []
    for bit in range(bus):
        beats = np.flatnonzero(grid.reshape(-1, bus)[:, bit]) if stored else np.zeros(0, dtype=np.int64)
        if not len(beats):
            continue
        every = range(int(beats[0]), stored)
        if len(every) - len(beats) > choosing:
            lanes.append(Lane(bit, tuple(beats.tolist()), sum(1 << int(b) for b in beats)))
        else:
            lanes.append(Lane(bit, tuple(every), None))
    return lanes


def _depth(steps: int, core: Core, interface: Interface, events: bool) -> int:
    """Answers that may be under way without slowing windows of num_steps down, as a power of two."""
    if not core.folded:
        need = core.latency + 3 if interface.every_timestep else -(-(core.latency + 2) // steps) + events
    elif interface.every_timestep:
        # All of an image's are asked for with its last feature, while the image before it is in the pipeline.
        need = -(-core.latency * steps // core.window_clocks) + 3 + (0 if events else steps)
    else:
        need = -(-core.latency // core.window_clocks) + 2
    return 1 << (need - 1).bit_length()
