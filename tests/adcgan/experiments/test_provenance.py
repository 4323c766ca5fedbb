"""Devices as named, and the revision that is recorded."""

import subprocess

import pytest
import torch
from small import refusal

from adcgan.experiments import provenance


@pytest.mark.parametrize(
    ("name", "devices", "chosen"),
    [("auto", 0, "cpu"), ("auto", 2, "cuda:0"), ("cpu", 2, "cpu"), ("cuda", 1, "cuda:0"), ("cuda:1", 2, "cuda:1")],
)
def test_a_device_is_taken_at_its_word_and_auto_prefers_a_gpu(monkeypatch, name, devices, chosen):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    assert str(provenance.choose_device(name)) == chosen


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    for name, devices, complaint in (
        ("cuda", 0, "no CUDA device here"), ("cuda:2", 2, "2 CUDA devices"), ("cuda:²", 1, "unknown device 'cuda:²'"),
        ("cpu:0", 1, "unknown"), ("mps", 0, "no GPU of Apple here"),
        ("tpu", 1, "unknown device 'tpu': expected auto, cpu, cuda, cuda:N or mps"),
    ):  # fmt: skip
        monkeypatch.setattr(torch.cuda, "device_count", lambda devices=devices: devices)
        assert complaint in refusal(provenance.choose_device, name)


@pytest.fixture
def fresh():
    """As in a process that has not asked for the revision yet."""
    provenance.code_revision.cache_clear()
    yield
    provenance.code_revision.cache_clear()


def test_the_revision_is_the_environments_without_git_and_of_the_first_time_that_it_is_asked_for(monkeypatch, fresh):
    monkeypatch.setenv("PATH", "")  # no Git to be found
    for revision in ("a" * 40, "b" * 40):  # whatever becomes of the checkout
        monkeypatch.setenv("ADCGAN_REVISION", revision)
        assert provenance.code_revision()["revision"] == "a" * 40


def test_a_copy_inside_somebody_elses_repository_has_not_that_ones_revision(monkeypatch, fresh, tmp_path):
    commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "a"]
    for arguments in (["init", "-q"], commit):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)
    monkeypatch.delenv("ADCGAN_REVISION", raising=False)
    package = tmp_path / "adcgan"
    (package / "experiments").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(provenance, "__file__", str(package / "experiments/provenance.py"))
    assert provenance.code_revision()["revision"] is None
    subprocess.run(["git", "-C", tmp_path, "add", "adcgan/__init__.py"], check=True)
    provenance.code_revision.cache_clear()
    assert len(provenance.code_revision()["revision"]) == 40
