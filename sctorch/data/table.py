"""Tables of features and labels, read from npz, csv and arff files."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from sctorch.checks import check_path, check_texts
from sctorch.errors import ConfigError, ShapeError

__all__ = ["Table", "make_table", "read_table"]

READERS = (".npz", ".csv", ".arff")
_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True)
class Table:
    """Rows of raw features with labels.

    Attributes
    ----------
    x : [N, n], finite. y : [N], class numbers from 0.
    feature_names, class_names : one per feature and per class.
    test : bool [N], the rows of the test split; None where the file does not say.
    group : int [N], rows that belong together (the jets of one event); None where all are apart.
    """

    x: np.ndarray
    y: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    test: np.ndarray | None = None
    group: np.ndarray | None = None


def make_table(
    x: np.ndarray,
    labels: np.ndarray,
    feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
    where: str,
) -> Table:
    """A checked table; labels are class names, or numbers from 0 if `class_names` is given and they are numbers.

    Without class names, the distinct labels in their order are the classes.
    """
    x, labels = np.asarray(x), np.asarray(labels)
    if x.ndim != 2 or labels.shape != x.shape[:1] or len(x) == 0:
        raise ShapeError(f"{where}: expected x [N, n] and one label per row, got {x.shape} and {labels.shape}")
    if not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
        raise ConfigError(f"{where}: the features are of type {x.dtype} and must be numbers")
    names = tuple(feature_names) if feature_names is not None else tuple(f"x{j}" for j in range(x.shape[1]))
    if len(names) != x.shape[1]:
        raise ShapeError(f"{where}: {len(names)} names for {x.shape[1]} features")
    x = x.astype(np.float64)
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = (int(v) for v in bad[0])
        raise ConfigError(
            f"{where}: row {row}, feature {names[column]!r} is {x[row, column]}, one of {len(bad)} values that are "
            "not finite; leave such rows out or fill them in"
        )
    y, classes = _numbered(labels, class_names, where)
    return Table(x, y, names, classes)


def read_table(
    path: str | Path,
    label: str = "label",
    features: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> Table:
    """Read a file by its ending.

    Parameters
    ----------
    path : .npz with x [N, n] and y [N], and optionally test (bool [N]), group (int [N]), features
        and classes (names); .csv with a header line; or a dense .arff.
    label : the column of the labels (csv, arff).
    features : the columns of the features, in this order (csv, arff); None takes all others.
    class_names : the classes in order; None takes those of the file, or the distinct labels.

    Raises
    ------
    ConfigError, ShapeError
        If the file cannot be read, or lacks what was asked for.
    """
    check_path(path, "path")
    check_texts([label], "label")
    for what, names in (("features", features), ("class_names", class_names)):
        if names is not None:
            check_texts(names, what)
    path = Path(path).expanduser()
    if path.suffix not in READERS:
        raise ConfigError(f"{path}: the ending {path.suffix!r} is unknown; allowed: {', '.join(READERS)}")
    try:
        if path.suffix == ".npz":
            return _read_npz(path, features, class_names)
        with path.open(encoding="utf-8", newline="") as lines:
            columns = _arff_columns(lines) if path.suffix == ".arff" else next(csv.reader(lines), [])
            return _read_rows(path, lines, [c.strip() for c in columns], label, features, class_names)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {path}: it is no text in UTF-8 ({error})") from error


def _read_npz(path: Path, features: Sequence[str] | None, class_names: Sequence[str] | None) -> Table:
    try:
        if path.is_file() and not zipfile.is_zipfile(path):
            raise ConfigError(f"cannot read {path}: it is no npz file, or not all of one")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    missing = [name for name in ("x", "y") if name not in arrays]
    if missing:
        raise ConfigError(f"{path} has no array {missing[0]!r}; it has {', '.join(arrays) or 'none'}")
    names = arrays.get("features")
    table = make_table(
        arrays["x"], arrays["y"], None if names is None else names.tolist(),
        class_names or (arrays["classes"].tolist() if "classes" in arrays else None), str(path),
    )  # fmt: skip
    if features is not None:
        chosen = _chosen(table.feature_names, features, path)
        table = replace(table, x=table.x[:, chosen], feature_names=tuple(features))
    for name in ("test", "group"):
        if name in arrays and arrays[name].shape != table.y.shape:
            raise ShapeError(f"{path}: {name} has the shape {arrays[name].shape}, expected {table.y.shape}")
    test = arrays.get("test")
    if test is not None and not np.isin(test, (0, 1)).all():
        raise ConfigError(f"{path}: test must say True or False for every row; numbers of rows are none")
    test = None if test is None else test.astype(bool)
    return replace(table, test=test, group=arrays.get("group"))


def _arff_columns(lines: Iterable[str]) -> list[str]:
    """The names of the attributes; leaves `lines` at the first row of data."""
    columns = []
    for line in lines:
        word = line.split(maxsplit=1)[0].lower() if line.strip() else ""
        if word == "@attribute":
            rest = line.split(maxsplit=1)[1].strip()
            quote = rest[0] if rest[0] in "'\"" else None
            columns.append(rest[1 : rest.index(quote, 1)] if quote else rest.split()[0])
        elif word == "@data":
            break
    return columns


def _read_rows(
    path: Path,
    lines: Iterable[str],
    columns: list[str],
    label: str,
    features: Sequence[str] | None,
    class_names: Sequence[str] | None,
) -> Table:
    wanted = list(features) if features is not None else [c for c in columns if c != label]
    (label_at,), chosen = _chosen(columns, [label], path), _chosen(columns, wanted, path)
    rows = (row for row in csv.reader(lines, skipinitialspace=True) if row and not row[0].startswith("%"))
    parts: list[np.ndarray] = []
    labels: list[str] = []
    while block := list(islice(rows, _ROWS_AT_ONCE)):
        first = len(labels)
        odd = next((i for i, row in enumerate(block) if len(row) != len(columns)), None)
        if odd is not None:
            raise ConfigError(
                f"{path}: data row {first + odd} has {len(block[odd])} values and the header {len(columns)}"
            )
        labels += [row[label_at].strip().strip("'\"") for row in block]
        parts.append(_floats(block, chosen, columns, path, first))
    if not parts:
        raise ConfigError(f"{path} has no rows of data")
    return make_table(np.concatenate(parts), np.array(labels), wanted, class_names, str(path))


def _floats(block: list[list[str]], chosen: list[int], columns: list[str], path: Path, first: int) -> np.ndarray:
    try:
        return np.array([[row[j] for j in chosen] for row in block]).astype(np.float64)
    except ValueError:
        for i, row in enumerate(block):
            for j in chosen:
                try:
                    float(row[j])
                except ValueError as error:
                    raise ConfigError(
                        f"{path}: data row {first + i}, column {columns[j]!r}: {row[j]!r} is no number"
                    ) from error
        raise


def _chosen(columns: Sequence[str], wanted: Sequence[str], path: Path) -> list[int]:
    asked, held = Counter(wanted), Counter(columns)
    twice = [name for name in wanted if asked[name] > 1 or held[name] > 1]
    if twice:
        raise ConfigError(
            f"{path}: the column {twice[0]!r} is there or asked for more than once; each needs its own name"
        )
    missing = [name for name in wanted if name not in columns]
    if missing:
        there = ", ".join(columns) or "none"
        raise ConfigError(f"{path} has no column {', '.join(map(repr, missing))}; it has {there}")
    if not wanted:
        raise ConfigError(f"{path} has no column of features beside the label")
    return [list(columns).index(name) for name in wanted]


def _numbered(labels: np.ndarray, names: Sequence[str] | None, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    if names is None:
        distinct, y = np.unique(labels, return_inverse=True)
        return y.astype(np.int64), tuple(str(name) for name in distinct.tolist())
    classes = tuple(str(name) for name in names)
    number = {name: i for i, name in enumerate(classes)}
    texts = [str(label) for label in labels.tolist()]
    if not set(texts) <= set(classes) and all(text.isdecimal() for text in set(texts)):
        number = {str(i): i for i in range(len(classes))}
    unknown = sorted(set(texts) - set(number))
    if unknown:
        raise ConfigError(f"{where}: label {unknown[0]!r} is none of the classes {', '.join(number)}")
    return np.array([number[text] for text in texts], np.int64), classes
