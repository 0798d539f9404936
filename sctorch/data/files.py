"""Any table of features as a dataset: split, scaled, batched."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from sctorch.checks import check_instance, check_number, check_range
from sctorch.data.arrays import ArrayData
from sctorch.data.scaling import fit_scaling
from sctorch.data.table import Table, read_table
from sctorch.errors import ConfigError

__all__ = ["Arrays", "TableData"]


class TableData(ArrayData):
    """A table, split into training and test rows and scaled to [0, 1].

    The scaling is fitted to the training rows alone (those held out for validation included, so
    that it does not depend on `val_fraction`). Test values beyond the fitted range are clipped to
    0 or 1, as a user's own values beside the hardware must be.

    Parameters
    ----------
    table : the rows; its own test split is taken if it has one.
    scaling : "none", "linear" (percentiles to 0 and 1) or "quantile".
    percentiles : of "linear"; (0, 100) are the minimum and the maximum.
    n_quantiles : of "quantile".
    test_fraction, split_seed : of the test split, if the table has none of its own; stratified, or
        by group. The rows do not depend on `seed`.
    batch_size, seed, val_fraction : see `ArrayData`.

    Attributes
    ----------
    scaling : the fitted scaling, also part of `meta`.
    clipped : share of the test values that lay outside the fitted range.
    """

    def __init__(
        self,
        table: Table,
        scaling: str = "linear",
        percentiles: tuple[float, float] = (0.0, 100.0),
        n_quantiles: int = 129,
        test_fraction: float = 0.2,
        split_seed: int = 0,
        batch_size: int = 128,
        seed: int = 0,
        val_fraction: float = 0.1,
    ) -> None:
        check_instance(table, Table, f"{type(self).__name__}: table", "a Table")
        test = table.test if table.test is not None else _test_rows(table, test_fraction, split_seed)
        if test.all() or not test.any():
            raise ConfigError(f"{type(self).__name__}: the test split takes {test.sum()} of {len(test)} rows")
        fitted = fit_scaling(scaling, table.x[~test], percentiles, n_quantiles)
        super().__init__(
            (fitted.transform(table.x[~test]), table.y[~test]),
            (fitted.transform(table.x[test]), table.y[test]),
            table.class_names, batch_size, seed, val_fraction,
            groups=None if table.group is None else table.group[~test],
            feature_names=table.feature_names, scaling=fitted,
        )  # fmt: skip
        low, high = fitted.bounds
        self.clipped = float(((table.x[test] < low) | (table.x[test] > high)).mean())


class Arrays(TableData):
    """Features and labels of an npz or csv file of one's own.

    Parameters
    ----------
    path, label, features, class_names : see `sctorch.data.table.read_table`.
    scaling, percentiles, n_quantiles, test_fraction, split_seed : see `TableData`.
    batch_size, seed, val_fraction : see `ArrayData`.
    """

    def __init__(
        self,
        path: str,
        label: str = "label",
        features: list[str] | None = None,
        class_names: list[str] | None = None,
        scaling: str = "linear",
        percentiles: tuple[float, float] = (0.0, 100.0),
        n_quantiles: int = 129,
        test_fraction: float = 0.2,
        split_seed: int = 0,
        batch_size: int = 128,
        seed: int = 0,
        val_fraction: float = 0.1,
    ) -> None:
        table = read_table(path, label, features, class_names)
        super().__init__(
            table, scaling, percentiles, n_quantiles, test_fraction, split_seed, batch_size, seed, val_fraction
        )


def _test_rows(table: Table, fraction: float, seed: int) -> np.ndarray:
    check_number(fraction, 0, 1, "test_fraction", low_out=True, high_out=True)
    check_range(seed, 0, 2**32 - 1, "split_seed")
    rows = np.arange(len(table.y))
    try:
        if table.group is None:
            _, chosen = train_test_split(rows, test_size=fraction, random_state=seed, stratify=table.y)
        else:
            splitter = GroupShuffleSplit(1, test_size=fraction, random_state=seed)
            _, chosen = next(splitter.split(rows, groups=table.group))
    except ValueError as error:
        raise ConfigError(f"test_fraction = {fraction} cannot be split off: {error}") from error
    return np.isin(rows, chosen)
