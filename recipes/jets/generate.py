"""Make the sample of jets that sctorch.data.Jets embeds: 5 classes, 16 features, both jets of each event.

In an environment of its own:
    pip install --only-binary=:all: pythia8mc==8.317.2 fastjet==3.5.2 numpy
    python recipes/jets/generate.py --out jets_sample.npz --jobs 2
The file depends on --per-class and --seed alone, not on --jobs.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from functools import partial
from pathlib import Path
from typing import Any

import fastjet
import numpy as np
import pythia8mc
from features import FEATURES, groomed_features, zlogz

CLASSES = {
    "g": ["HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"],
    "q": ["HardQCD:qq2qq = on", "HardQCD:gg2qqbar = on", "HardQCD:qqbar2qqbarNew = on", "HardQCD:nQuarkNew = 3"],
    "w": ["WeakDoubleBoson:ffbar2WW = on"],
    # Without mode 2 virtual photons are made as well, most of them with next to no mass.
    "z": ["WeakDoubleBoson:ffbar2gmZgmZ = on", "WeakZ0:gmZmode = 2"],
    "t": ["Top:gg2ttbar = on", "Top:qqbar2ttbar = on"],
}
COMMON = [
    "Print:quiet = on", "Random:setSeed = on", "Beams:eCM = 13000", "Tune:pp = 14",
    "PhaseSpace:pTHatMin = 990", "PhaseSpace:pTHatMax = 1010",
    "23:onMode = off", "23:onIfAny = 1 2 3 4 5", "24:onMode = off", "24:onIfAny = 1 2 3 4 5",
]  # fmt: skip
RADIUS, MIN_PT, MAX_PT, MAX_ETA, MAX_DISTANCE, Z_CUT = 0.8, 800.0, 1600.0, 2.0, 0.4, 0.1
NEUTRINOS = (12, 14, 16)
PART = 2500  # jets made with one seed
TEST_PART = 5  # every fifth event is a test event
MASSES = {"w": 80.4, "z": 91.2, "t": 173.0}

ANTI_KT = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
CAMBRIDGE = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)


def groom(jet: Any) -> tuple[Any, Any]:
    """Modified mass drop (soft drop with beta = 0), and the cluster sequence, which must outlive the jet."""
    sequence = fastjet.ClusterSequence(list(jet.constituents()), CAMBRIDGE)
    groomed = fastjet.sorted_by_pt(sequence.inclusive_jets())[0]
    one, two = fastjet.PseudoJet(), fastjet.PseudoJet()
    while groomed.has_parents(one, two):
        hard, soft = (one, two) if one.pt() >= two.pt() else (two, one)
        if soft.pt() > Z_CUT * (one.pt() + two.pt()):
            break
        groomed = fastjet.PseudoJet(hard)
    return groomed, sequence


def jet_row(jet: Any) -> list[float]:
    """The features of one jet, in the order of `FEATURES`."""
    pt = np.array([particle.pt() for particle in jet.constituents()])
    groomed, sequence = groom(jet)
    kept = np.array([(p.pt(), p.rap(), p.phi()) for p in groomed.constituents()])
    row = [zlogz(pt), *groomed_features(*kept.T), max(groomed.m(), 0.0), float(len(pt))]
    del sequence
    return row


def event_rows(event: Any) -> list[list[float]]:
    """The features of up to two jets, those that hold the hard partons (entries 5 and 6 of the record)."""
    particles = [
        fastjet.PseudoJet(p.px(), p.py(), p.pz(), p.e()) for p in event if p.isFinal() and p.idAbs() not in NEUTRINOS
    ]
    sequence = fastjet.ClusterSequence(particles, ANTI_KT)
    rows = []
    for jet in fastjet.sorted_by_pt(sequence.inclusive_jets(MIN_PT))[:2]:
        near = min(_distance(jet, event[i]) for i in (5, 6))
        if jet.pt() < MAX_PT and abs(jet.eta()) < MAX_ETA and near < MAX_DISTANCE:
            rows.append(jet_row(jet))
    return rows


def _distance(jet: Any, parton: Any) -> float:
    turn = abs(math.remainder(jet.phi() - parton.phi(), 2 * math.pi))
    return math.hypot(jet.rap() - parton.y(), turn)


def make_part(task: tuple[str, int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, 16] and event numbers [n] from 0 of `task` = (class, part, jets)."""
    name, part, jets = task
    pythia = pythia8mc.Pythia("", False)
    number = 1 + 1000 * seed + 100 * list(CLASSES).index(name) + part
    for line in [*COMMON, *CLASSES[name], f"Random:seed = {number}"]:
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia does not know {line!r}")
    if not pythia.init():
        raise RuntimeError(f"Pythia did not start for class {name}")
    rows: list[list[float]] = []
    events: list[int] = []
    index = 0
    while len(rows) < jets:
        if pythia.next():
            new = event_rows(pythia.event)
            rows += new
            events += [index] * len(new)
            index += 1
    return np.array(rows[:jets]), np.array(events[:jets])


def collect(per_class: int, seed: int, jobs: int) -> dict[str, np.ndarray]:
    """The arrays of the file."""
    sizes = [min(PART, per_class - start) for start in range(0, per_class, PART)]
    tasks = [(name, part, size) for part, size in enumerate(sizes) for name in CLASSES]
    groups: list[tuple[np.ndarray, int, bool]] = []
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for (name, part, _), (x, event) in zip(tasks, pool.imap(partial(make_part, seed=seed), tasks), strict=True):
            members = np.split(x, np.flatnonzero(np.diff(event)) + 1)
            label = list(CLASSES).index(name)
            groups += [(rows, label, i % TEST_PART == 0) for i, rows in enumerate(members)]
            print(f"{name} {part}: {len(x)} jets, {time.perf_counter() - start:.0f} s", flush=True)
    order = np.random.default_rng(seed).permutation(len(groups))
    groups = [groups[i] for i in order]
    counts = [len(rows) for rows, _, _ in groups]
    x = np.concatenate([rows for rows, _, _ in groups])
    return {
        # Ratios of a jet of two near particles can leave the range of half precision.
        "x": x.clip(-65504, 65504).astype(np.float16),
        "y": np.repeat([label for _, label, _ in groups], counts).astype(np.uint8),
        "group": np.repeat(np.arange(len(groups)), counts).astype(np.int32),
        "test": np.repeat([test for _, _, test in groups], counts).astype(bool),
        "features": np.array(FEATURES),
        "classes": np.array(list(CLASSES)),
    }


def check(arrays: dict[str, np.ndarray]) -> None:
    """Print the figures of the card, and stop if one is not what physics or the formulas demand."""
    x, y, test, event = arrays["x"].astype(float), arrays["y"], arrays["test"], arrays["group"]
    column = {name: x[:, i] for i, name in enumerate(FEATURES)}
    assert np.isfinite(x).all()
    assert np.array_equal(column["d2_b1_mmdt"], column["d2_a1_b1_mmdt"])
    assert not set(event[test]) & set(event[~test])
    print(f"{len(x)} jets of {len(set(event))} events, {int(test.sum())} of them for testing")
    for label, name in enumerate(CLASSES):
        mass = column["mass_mmdt"][y == label]
        counts, edges = np.histogram(mass[mass > 40], bins=80, range=(40, 200))
        peak = edges[counts.argmax()] + 1
        print(f"{name}: {len(mass)} jets ({(test & (y == label)).sum()} test), mass median {np.median(mass):.1f} GeV, "
              f"peak above 40 GeV at {peak:.0f} GeV, "
              f"particles {column['multiplicity'][y == label].mean():.1f} on average")  # fmt: skip
        assert abs(peak - MASSES.get(name, peak)) < 4, f"the mass peak of {name} is at {peak} GeV"
    for name, values in column.items():
        low, middle, high = np.percentile(values, (1, 50, 99))
        print(f"{name:15s} 1 % {low:10.4g}  median {middle:10.4g}  99 % {high:10.4g}  largest {values.max():10.4g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("jets_sample.npz"))
    parser.add_argument("--per-class", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args()
    arrays = collect(given.per_class, given.seed, given.jobs)
    np.savez_compressed(given.out, **arrays)
    check(arrays)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
