"""Stamps: finished work is recognised, half-written work never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sctorch.errors import ConfigError
from sctorch.pipeline.stamps import (
    Stamp,
    file_digests,
    read_stamp,
    replacing,
    source_digest,
    sweep,
    write_stamp,
    write_text,
)


def stamp_of(out: Path, *paths: Path) -> Stamp:
    return Stamp("train", "key", 1.5, "now", file_digests(out, paths))


def test_a_stamp_survives_the_disk(tmp_path: Path) -> None:
    stamp = Stamp("train", "abc", 1.25, "2026-01-01T00:00:00+00:00", {"a": "b"})
    write_stamp(tmp_path / "deep" / "train.json", stamp)
    assert read_stamp(tmp_path / "deep" / "train.json") == stamp


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stage": "train"}', '{"stage": "a", "other": 1}', "3"])
def test_a_damaged_stamp_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.json").write_text(text)
    assert read_stamp(tmp_path / "train.json") is None
    assert read_stamp(tmp_path / "absent.json") is None


def test_a_stamp_holds_only_while_its_files_are_unchanged(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    stamp = stamp_of(tmp_path, tmp_path / "folder", tmp_path / "b.txt")
    assert sorted(stamp.files) == ["b.txt", "folder/a.txt"]
    assert stamp.holds(tmp_path)
    (tmp_path / "folder" / "a.txt").write_text("other")
    assert not stamp.holds(tmp_path)
    (tmp_path / "folder" / "a.txt").write_text("a")
    (tmp_path / "b.txt").unlink()
    assert not stamp.holds(tmp_path)


def test_content_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    assert Stamp("a", "k", 1.0, "now").content == Stamp("a", "k", 2.0, "later").content
    assert Stamp("a", "k", 1.0, "now").content != Stamp("a", "other", 1.0, "now").content


def test_replacing_leaves_the_old_folder_when_it_fails(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    with replacing(folder) as part:
        (part / "a").write_text("first")

    def interrupted() -> None:
        with replacing(folder) as part:
            (part / "a").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (folder / "a").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["train"]


def test_sweep_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    (tmp_path / ".train.abc.part").mkdir()
    (tmp_path / ".results.json.1.part").write_text("half")
    (tmp_path / "train").mkdir()
    sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["train"]


def test_write_text_reports_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        write_text(tmp_path / "file" / "below", "text")


def test_source_digests_differ_by_what_they_cover() -> None:
    assert source_digest(("nn",)) == source_digest(("nn",))
    assert source_digest(("nn",)) != source_digest(("ir",))
    with pytest.raises(FileNotFoundError, match="absent"):  # else a stage would not notice when its code changes
        source_digest(("../absent",))
