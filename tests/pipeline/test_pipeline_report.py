"""results.json and report.html: what they must hold."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from sctorch import ir
from sctorch.pipeline.plots import raster

VOID = {"meta", "br", "hr", "img", "input", "link", "use"}


def test_results_have_their_schema(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    assert results["format"] == "sctorch-results/1"
    types = {
        "name": str, "command": str, "ok": bool, "accuracy": float, "accuracies": dict, "luts": int, "ffs": int,
        "cycles_per_inference": int, "values_compared": int, "spikes_compared": int, "mismatches": int, "pairs": list,
        "seconds": dict, "versions": dict, "targets": dict, "recipe": dict, "sparsity": float,
    }  # fmt: skip
    assert {key: type(results[key]) for key in types} == types
    assert results["fmax_mhz"] is None
    assert results["cycles_per_inference"] == 11  # the design's, not its timesteps
    assert results["accuracies"]["torch"] == results["accuracies"]["verilog"] == results["accuracy"]
    assert results["sparsity"] >= 0.5
    assert set(results["seconds"]) == {"train", "lower", "verilog", "verify", "synth ice40-hx8k"}
    assert {"sctorch", "python", "torch", "hls4ml", "yosys"} <= set(results["versions"])
    for pair in results["pairs"]:
        assert set(pair) == {"name", "values", "spikes", "mismatches", "first", "signals"}
    target = results["targets"]["ice40-hx8k"]
    assert target["luts"] == results["luts"]
    assert target["luts_pct"] == pytest.approx(100 * target["luts"] / target["luts_available"], abs=0.01)
    assert target["dsps_pct"] is None  # the part has none


def test_the_history_has_one_entry_per_epoch(finished: Path) -> None:
    history = json.loads((finished / "train" / "history.json").read_text())
    assert len(history["train_loss"]) == len(history["sparsity"]) == len(history["epoch"]) == 2
    assert history["final_sparsity"] >= 0.5


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value or "" for key, value in attrs if key == "id"]
        self.links += [value or "" for key, value in attrs if key in ("src", "href", "xlink:href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture
def text(finished: Path) -> str:
    return (finished / "report.html").read_text(encoding="utf-8")


def test_the_report_stands_alone(text: str) -> None:
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert not page.tags & {"script", "link", "iframe", "img"}
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"url\((?!#)|@import", text)


@pytest.mark.parametrize(
    "words",
    [
        "Training", "One test window", "Integer weights", "Resources", "Verification", "Network", "How this was made",
        "torch = ir = verilog, bit for bit", "ice40-hx8k", "1,234 of 7,680 (16.1 %)", "fmax not measured",
        "cycles per inference", "stochastic synapse", "sctorch run", "Loss over the epochs", "Zero weights over",
        "Accuracy over the epochs", "Spikes of one test window", "Weights of synapse1", "Weights of synapse2",
        "yosys 0.70", "readout: membranes",
    ],
)  # fmt: skip
def test_the_report_holds(text: str, words: str) -> None:
    assert words in text


def test_the_report_escapes_what_people_write(recipe: Path, finished: Path, fakes: object) -> None:
    from sctorch.cli import main

    assert main(["run", str(recipe), "--out", str(finished), "--report.title", "a <b> & c"]) == 0
    text = (finished / "report.html").read_text(encoding="utf-8")
    assert "<h1>a &lt;b&gt; &amp; c</h1>" in text


def test_a_window_without_any_spike_can_be_drawn(finished: Path) -> None:
    network = ir.load(finished / "lower" / "network.json")
    trace = ir.simulate(network, np.zeros((1, 64), dtype=np.float32))
    assert int(trace["encoder"].sum()) == 0
    assert "<svg" in raster(network, trace)
