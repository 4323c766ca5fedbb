"""The command line as a user meets it: in a process of its own."""

import dataclasses
import re

import pytest

from adcgan.config import METHODS
from adcgan.experiments.records import RECORD

TINY = ["--width", "0.1", "--batch-size", "32", "--warm-up-epochs", "0", "--epochs", "1"]


def assert_one_error_line(finished):
    assert finished.returncode != 0
    assert finished.stderr.splitlines()[-1].startswith("adcgan: error: ")
    assert finished.stderr.count("error:") == 1 and "Traceback" not in finished.stderr


def test_a_run_prints_its_auroc_and_the_second_time_trains_nothing(command, tmp_path):
    arguments = ["run", "--dataset", "digits", "--classes", "0", "--runs", tmp_path, *TINY]
    first, second = command(*arguments), command(*arguments)
    assert first.returncode == second.returncode == 0
    assert "epoch 1/1" in first.stderr and second.stderr == ""
    assert re.fullmatch(
        r"adcgan printed at scale paper, digits .*: AUROC \d+\.\d %, trained in \d+ s, .*\n", first.stdout
    )
    assert first.stdout == second.stdout
    (path,) = tmp_path.rglob(RECORD)

    checked = command("check", "--runs", tmp_path)
    assert checked.returncode == 0 and checked.stdout == f"1 records in {tmp_path}, all whole\n"

    path.write_text(path.read_text()[:500])
    for again in (["check", "--runs", tmp_path], arguments):
        finished = command(*again)
        assert_one_error_line(finished)
        assert str(path) in finished.stderr and "all whole" not in finished.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--dataset", "digits", "--classes", "eleven"], "no class 'eleven'"),
        (["--dataset", "digits", "--contrastive", "both"], "contrastive is 'both': expected one of masked, literal"),
    ],
)
def test_a_mistake_ends_in_one_line(command, tmp_path, arguments, complaint):
    finished = command("run", "--runs", tmp_path, *arguments)
    assert_one_error_line(finished)
    assert complaint in finished.stderr and finished.stdout == "" and not list(tmp_path.iterdir())


def test_help_lists_every_option_with_its_choices(command):
    text = command("run", "--help").stdout
    for field in dataclasses.fields(METHODS["adcgan"].config):
        name = "--" + field.name.strip("_").replace("_", "-")
        (described,) = re.findall(rf"^ +{name} (?:.*\n)(?: {{8,}}.*\n)*", text, re.MULTILINE)
        assert all(str(choice) in described for choice in field.metadata["choices"] or ())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "--dataset", "digits", "--contrasive", "literal"], "--contrasive"),
        (["run", "--dataset", "digits", "--contrastiv", "literal"], "--contrastiv"),  # no abbreviations
        (["run"], "--dataset"),
        (["run", "--dataset", "digits", "--seeds", "a"], "invalid int value: 'a'"),
        (["sweep", "--dry-run", "--jobs", "0"], "0 is not above 0"),
        (["sweep", "--dry-run", "--jobs", "a"], "invalid int value: 'a'"),
        (["sweep", "--dry-run", "--ablations", "--classes", "foo", "0"], "unknown class of fashion_mnist, mnist 'foo'"),
        (["sweep", "--dry-run", "--time-limit", "-4"], "-4 is not above 0"),
        (["sweep", "--dry-run", "--methods", "gan"], "'gan'"),
        (["sweep", "--dry-run", "--datasets", "mnist", "--classes", "foo", "0"], "unknown class of mnist 'foo'"),
        (["sweep", "--dry-run", "--recipes", "scripted"], "'scripted'"),
        (["sweep", "--dry-run", "--scale", "huge"], "'huge'"),
        (["sweep", "--dry-run", "--study"], "--study"),
        (["diagnose"], "RUN"),
        (["turn"], "'turn'"),
        ([], "COMMAND"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistaken_arguments_are_refused_in_one_line_that_leads_to_the_help(command, arguments, complaint):
    finished = command(*arguments)
    assert finished.returncode == 2 and finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("adcgan: error: ") and complaint in line


def test_check_of_an_empty_directory_finds_no_records(command, tmp_path):
    finished = command("check", "--runs", tmp_path)
    assert finished.returncode == 0 and finished.stdout.startswith("0 records in ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--seeds", str(2**64)], "seed 18446744073709551616: expected a whole number"),
        (["--width", "1e308"], "option width is 1e+308: expected 16 or less"),
        (["--latent-size", str(2**63)], "option latent_size is 9223372036854775808: expected a number below 2^63"),
        (["--latent-size", "1000000000000"], "Error: "),
        (["--classes", "²"], "no class '²'"),
        (["--device", "cuda:²"], "unknown device 'cuda:²'"),
    ],
)
def test_what_no_option_rules_out_still_ends_in_one_line(command, tmp_path, arguments, complaint):
    finished = command("run", "--dataset", "digits", "--runs", tmp_path, "--classes", "0", *arguments)
    assert finished.returncode == 2
    assert_one_error_line(finished)
    assert complaint in finished.stderr and not list(tmp_path.rglob(RECORD))


def test_output_that_nobody_reads_any_more_is_no_error(command):
    process = command.start("sweep", "--dry-run", "--methods", "pca", "--datasets", "digits")
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait() == 141 and error == ""
