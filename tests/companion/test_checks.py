"""A claim in words: it fails the build where committed records do not support it, and is a note on a user's own."""

import subprocess

import pytest
from companion import checks
from factories import write_format1, write_record

from adcgan.errors import AdcganError


def test_a_claim_that_does_not_hold_is_noted_on_own_records_and_refused_on_committed_ones(few, monkeypatch):
    assert not checks.checked(few.all, all_is_well=True)
    assert "does not hold: all is well." in checks.checked(few.all, all_is_well=False).text
    assert "all is well" in checks.checked((), all_is_well=False).text
    monkeypatch.setattr(checks, "committed", lambda runs: runs == few.runs)
    with pytest.raises(AdcganError, match="the page says 'all is well'"):
        checks.checked(few.all, all_is_well=False)


def test_runs_are_committed_where_git_tracks_them_and_sees_no_other(tmp_path):
    runs = tmp_path / "runs"
    write_format1(runs)
    assert not checks.committed(runs), "no repository"
    for command in ("init -q", "add runs", "-c user.name=a -c user.email=a commit -qm a"):
        subprocess.run(["git", "-C", tmp_path, *command.split()], check=True)
    checks.committed.cache_clear()
    assert checks.committed(runs)
    write_record(runs)
    checks.committed.cache_clear()
    assert not checks.committed(runs), "one of the user's own is among them"
