"""What the benchmarks share: the machine's description, timing, tables."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from sctorch.nn import kernels

__all__ = ["describe", "milliseconds", "peak_memory", "print_table", "reset_peak_memory"]


def describe() -> dict[str, Any]:
    """Processor, cores, versions: what a figure depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "processor": model or platform.processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "kernels": kernels.available(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def milliseconds(
    function: Callable[[], Any], seconds: float = 1.0, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The fastest of as many calls as fit into `seconds` (at least 5), after three to warm up.

    Other work on the machine only ever adds time, so the fastest call is the best estimate. With
    ``clock = time.process_time`` it is the processor's time, summed over threads.
    """
    for _ in range(3):
        function()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = clock()
        function()
        times.append(clock() - start)
    return min(times) * 1e3


def _status(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def reset_peak_memory() -> float:
    """Forget the peak so far (Linux); MiB in use now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    except OSError:
        return float("nan")


def peak_memory() -> float:
    """Highest memory of this process since `reset_peak_memory`, MiB; NaN where the system does not say."""
    try:
        return _status("VmHWM")
    except OSError:
        return float("nan")


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}")
    for row in [head, *rows]:
        print("  " + "  ".join(f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in
                               enumerate(zip(row, widths, strict=True))))  # fmt: skip
