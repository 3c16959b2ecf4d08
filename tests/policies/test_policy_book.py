"""Hot reload: a changed file takes effect, a broken one is refused and the old stays."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wardround.policies.book import PolicyBook
from wardround.policies.errors import PolicyError

TEXT = "policy: ward\nversion: {}\n{}rules:\n  - {{id: r, when: 'audience == \"patient\"', then: annotate}}\n"


def write(path: Path, version: int, more: str = "") -> None:
    """A version of the policy, with a time stamp of its own whatever the clock's grain."""
    path.write_text(TEXT.format(version, more))
    os.utime(path, ns=(version * 10**9, version * 10**9))


def break_file(path: Path) -> None:
    """Half a file, as an editor may leave it."""
    path.write_text("policy: [\n")
    os.utime(path, ns=(10**12, 10**12))


def test_a_changed_file_takes_effect_and_an_unchanged_one_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ward.yaml"
    write(path, 1)
    book = PolicyBook()
    assert book.stale(str(path))
    first = book.get(str(path))
    assert not book.stale(str(path))
    assert book.get(str(path)) is first
    write(path, 2)
    assert book.stale(str(path))
    assert book.get(str(path)).version == 2
    assert first.version == 1


def test_a_broken_file_is_refused_once_in_the_log_and_the_old_version_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ward.yaml"
    write(path, 1)
    book = PolicyBook([path])
    break_file(path)
    with caplog.at_level(logging.INFO, "wardround.policies"):
        assert book.get(str(path)).version == 1
        assert book.get(str(path)).version == 1
    assert len(caplog.records) == 1
    assert "broken YAML" in caplog.text
    assert len(book.problems()) == 1
    assert "version 1 stays in force" in book.problems()[0]
    write(path, 3)
    assert book.get(str(path)).version == 3
    assert book.problems() == ()


def test_a_deleted_file_is_a_problem_and_the_old_version_stays(tmp_path: Path) -> None:
    path = tmp_path / "ward.yaml"
    write(path, 1)
    book = PolicyBook([path])
    path.unlink()
    assert book.get(str(path)).version == 1
    assert "there is no policy file" in book.problems()[0]
    write(path, 2)
    assert book.get(str(path)).version == 2


def test_a_change_in_an_extended_file_counts_also_while_it_is_broken(tmp_path: Path) -> None:
    child, base = tmp_path / "ward.yaml", tmp_path / "house.yaml"
    write(base, 1)
    write(child, 1, "extends: [house.yaml]\n")
    book = PolicyBook([child])
    break_file(base)
    assert book.get(str(child)).version == 1
    assert "house.yaml" in book.problems()[0]
    write(base, 2)
    assert book.get(str(child)).digest
    assert book.problems() == ()


def test_a_missing_base_is_noticed_when_it_appears(tmp_path: Path) -> None:
    child = tmp_path / "ward.yaml"
    write(child, 1)
    book = PolicyBook([child])
    write(child, 2, "extends: [house.yaml]\n")
    assert book.get(str(child)).version == 1
    write(tmp_path / "house.yaml", 1)
    assert book.get(str(child)).version == 2


def test_policies_are_found_by_folder_path_pack_and_name(tmp_path: Path) -> None:
    write(tmp_path / "ward.yaml", 1)
    book = PolicyBook([tmp_path])
    assert book.get("ward") is book.get(str(tmp_path / "ward.yaml"))
    assert book.get("wardround/base").name == "wardround/base"
    assert book.names() == ("ward", "wardround/base")
    with pytest.raises(PolicyError, match="unknown policy 'wrad'; did you mean 'ward'?"):
        book.get("wrad")
    with pytest.raises(PolicyError, match="there is no pack"):
        book.get("wardround/nothing")
    assert book.problems() == ()


def test_a_broken_file_or_an_empty_folder_at_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no policy files"):
        PolicyBook([tmp_path])
    break_file(tmp_path / "ward.yaml")
    with pytest.raises(PolicyError, match="broken YAML"):
        PolicyBook([tmp_path])


def test_a_policy_that_never_was_good_is_refused_again_until_its_file_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "ward.yaml"
    break_file(path)
    book = PolicyBook()
    for _ in range(2):
        with pytest.raises(PolicyError, match="broken YAML"):
            book.get(str(path))
    write(path, 1)
    assert book.get(str(path)).version == 1


def test_many_threads_get_one_and_the_same_reload(tmp_path: Path) -> None:
    path = tmp_path / "ward.yaml"
    write(path, 1)
    book = PolicyBook([path])
    write(path, 2)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(book.get, [str(path)] * 64))
    assert {p.version for p in got} == {2}
    assert len({id(p) for p in got}) == 1
