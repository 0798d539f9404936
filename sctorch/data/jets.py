"""Jets of particle collisions: 16 features, 5 classes (gluon, light quark, W, Z, top)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from sklearn.datasets import fetch_openml

from sctorch.checks import check_path
from sctorch.data.files import TableData
from sctorch.data.table import Table, make_table, read_table
from sctorch.errors import ConfigError

__all__ = ["JET_CLASSES", "JET_FEATURES", "Jets"]

JET_CLASSES = ("g", "q", "w", "z", "t")
JET_FEATURES = (
    "zlogz", "c1_b0_mmdt", "c1_b1_mmdt", "c1_b2_mmdt", "c2_b1_mmdt", "c2_b2_mmdt", "d2_b1_mmdt", "d2_b2_mmdt",
    "d2_a1_b1_mmdt", "d2_a1_b2_mmdt", "m2_b1_mmdt", "m2_b2_mmdt", "n2_b1_mmdt", "n2_b2_mmdt", "mass_mmdt",
    "multiplicity",
)  # fmt: skip
_OPENML = "hls4ml_lhc_jets_hlf"  # 830,000 jets
_WAYS = (
    "Three ways to jets: source='sample' (50,000 self-made ones, in the package); a file of the public set (csv, arff "
    "or npz, see docs/data.md) as source; or source='openml', which needs the network once"
)


class Jets(TableData):
    """Jets with 16 substructure features each.

    "sample" is made by `recipes/jets/generate.py` and split by event: both jets of an event lie on
    the same side. The public set has no event numbers and is split at random. The two differ in
    the simulation behind them; compare models on the same file only.

    Parameters
    ----------
    source : "sample" (in the package), "openml" (the public set, downloaded by scikit-learn into
        its own cache), or a csv, arff or npz file that holds the 16 features by name.
    label : the column of the classes in a csv or arff file.
    scaling, percentiles, n_quantiles, test_fraction, split_seed : see `TableData`.
    batch_size, seed, val_fraction : see `ArrayData`.

    Raises
    ------
    ConfigError
        If the source cannot be had; the message names the ways to get one.
    """

    def __init__(
        self,
        source: str = "sample",
        label: str = "class",
        scaling: str = "quantile",
        percentiles: tuple[float, float] = (0.0, 100.0),
        n_quantiles: int = 129,
        test_fraction: float = 0.2,
        split_seed: int = 0,
        batch_size: int = 1024,
        seed: int = 0,
        val_fraction: float = 0.1,
    ) -> None:
        table = _table(source, label)
        super().__init__(
            table, scaling, percentiles, n_quantiles, test_fraction, split_seed, batch_size, seed, val_fraction
        )


def _table(source: str, label: str) -> Table:
    check_path(source, "Jets: source")
    if source == "sample":
        with resources.as_file(resources.files("sctorch.data") / "jets_sample.npz") as path:
            return read_table(path)
    if source == "openml":
        return _openml()
    if not Path(source).expanduser().is_file():
        raise ConfigError(f"Jets: source = {source!r} is no file. {_WAYS}.")
    return read_table(source, label, JET_FEATURES, JET_CLASSES)


def _openml() -> Table:
    try:
        # The parser that needs no pandas.
        found: Any = fetch_openml(_OPENML, as_frame=False, parser="liac-arff")
    except (OSError, ValueError) as error:  # scikit-learn answers ValueError for an unknown or withdrawn set
        raise ConfigError(f"Jets: cannot download the public set: {error}. {_WAYS}.") from error
    names = list(found.feature_names)
    missing = [name for name in JET_FEATURES if name not in names]
    if missing:
        raise ConfigError(f"Jets: the public set lacks {', '.join(missing)}; it has {', '.join(names)}. {_WAYS}.")
    chosen = [names.index(name) for name in JET_FEATURES]
    return make_table(found.data[:, chosen], found.target, JET_FEATURES, JET_CLASSES, "the public set")
