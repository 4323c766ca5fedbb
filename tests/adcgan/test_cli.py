"""The command line as a user meets it: some of it in a process of its own, all mistakes as one line."""

import dataclasses
import os
import re

import pytest
from PIL import Image

from adcgan import cli
from adcgan.config import METHODS
from adcgan.experiments.records import RECORD

TINY = ["--width", "0.1", "--batch-size", "32", "--warm-up-epochs", "0", "--epochs", "1", "--epoch-images", "64"]


def error_line(done):
    """The one line of a refusal."""
    status, out, err = done
    assert status == 2 and out == ""
    assert err.splitlines()[-1].startswith("adcgan: error: ") and err.count("error:") == 1 and "Traceback" not in err
    return err.splitlines()[-1]


def test_a_run_prints_its_auroc_and_the_second_time_trains_nothing(command, invoke, tmp_path):
    arguments = ["run", "--dataset", "digits", "--classes", "0", "--runs", tmp_path, *TINY]
    first = command(*arguments)
    assert first.returncode == 0 and "epoch 1/1" in first.stderr
    assert re.fullmatch(
        r"adcgan printed at scale paper, digits .*: AUROC \d+\.\d %, trained in \d+ s, .*\n", first.stdout
    )
    second = invoke(*arguments, "--slots", "1")  # without a GPU a slot could not be had; a recorded run needs none
    assert second == (0, first.stdout, "")
    (path,) = tmp_path.rglob(RECORD)
    assert invoke("check", "--runs", tmp_path) == (0, f"1 records in {tmp_path}, all whole\n", "")
    path.write_text(path.read_text()[:500])
    for again in (["check", "--runs", tmp_path], arguments):
        assert str(path) in error_line(invoke(*again))


def test_a_repeat_is_a_run_of_its_own_with_the_same_bits_on_a_cpu(invoke, tmp_path):
    arguments = ["run", "--dataset", "digits", "--classes", "0", "--runs", tmp_path, "--device", "cpu", *TINY]
    assert invoke(*arguments)[0] == invoke(*arguments, "--repeat", "1")[0] == 0
    first, second = sorted(tmp_path.rglob("scores.npz"))
    assert second.parent.name == f"{first.parent.name}-repeat-1" and first.read_bytes() == second.read_bytes()


def test_the_classes_of_own_pictures_are_said_by_name(invoke, tmp_path):
    for name in ("1", "2", "10"):
        (tmp_path / "pics" / name).mkdir(parents=True)
        for number in range(5):
            Image.effect_noise((28, 28), 9).save(tmp_path / "pics" / name / f"{number}.png")
    arguments = [
        "run",
        "--method",
        "pca",
        "--dataset",
        tmp_path / "pics",
        "--image-size",
        28,
        "--runs",
        tmp_path / "runs",
    ]
    status, _, err = invoke(*arguments, "--classes", "2", "10", "0")
    assert status == 0 and err.splitlines()[-1] == "folder-pics: class 0 is 1, 1 is 10, 2 is 2", "a name goes first"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["check", "--runs", "~nobody-of-this-name"], "~nobody-of-this-name is not a directory"),
        (["check", "--runs", "a\nb"], "a\\nb is not a directory"),
        (["check", "a\nb"], "unrecognized arguments: a\\nb"),
        (["fit", "~nobody-of-this-name", "--model", "m"], "~nobody-of-this-name is not a directory"),
        (["run", "--dataset", "~nobody-of-this-name/x"], "~nobody-of-this-name/x is not a directory"),
        (["run", "--dataset", "/no\0where"], "/no\\x00where is not a directory"),
        (["run", "--dataset", "digits", "--repeat", "a"], "invalid int value: 'a'"),
        (["sweep", "--dry-run", "--options", "recipe=script"], "'recipe' is no option of method adcgan"),
    ],
)
def test_odd_paths_and_names_are_refused_in_one_line(invoke, tmp_path, monkeypatch, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    done = invoke(*arguments)
    assert complaint in error_line(done) and done[2].count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_lists_every_option_with_its_choices(invoke, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    status, text, _ = invoke("run", "--help")
    assert status == 0
    for field in dataclasses.fields(METHODS["adcgan"].config):
        name = "--" + field.name.strip("_").replace("_", "-")
        (described,) = re.findall(rf"^ +{name} (?:.*\n)(?: {{8,}}.*\n)*", text, re.MULTILINE)
        assert all(str(choice) in described for choice in field.metadata["choices"] or ())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("run --dataset digits --contrasive literal", "--contrasive"),
        ("run --dataset digits --contrastiv literal", "--contrastiv"),  # no abbreviations
        ("run", "--dataset"),
        ("run --dataset digits --seeds a", "invalid int value: 'a'"),
        ("run --dataset digits --repeat -1", "-1 is below 0"),
        ("sweep --dry-run --jobs 0", "0 is not above 0"),
        ("sweep --dry-run --ablations --classes foo 0", "unknown class of fashion_mnist, mnist 'foo'"),
        ("sweep --dry-run --time-limit -4", "-4 is not above 0"),
        ("sweep --dry-run --methods gan", "'gan'"),
        ("sweep --dry-run --datasets mnist --classes foo 0", "unknown class of mnist 'foo'"),
        ("sweep --dry-run --recipes scripted", "'scripted'"),
        ("sweep --dry-run --scale huge", "'huge'"),
        ("diagnose", "RUN"),
        ("turn", "'turn'"),
        ("", "COMMAND"),
    ],
)
def test_mistaken_arguments_are_refused_in_one_line_that_leads_to_the_help(invoke, arguments, complaint):
    done = invoke(*arguments.split())
    assert complaint in error_line(done) and done[2].count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--classes", "eleven"], "no class 'eleven'"),
        (["--contrastive", "both"], "contrastive is 'both': expected one of masked, literal"),
        (["--recipe", "as-printed"], "unknown recipe 'as-printed': expected one of printed, script"),
        (["--scale", "phone"], "unknown scale 'phone': expected one of paper, laptop"),
        (["--method", "alad", "--recipe", "script"], "recipes are AD-CGAN's; leave it out"),
        (["--slots", "1", "--device", "cpu"], "--slots chooses among this machine's GPUs, --device names cpu"),
        (["--seeds", str(2**64)], "seed 18446744073709551616: expected a whole number"),
        (["--width", "1e308"], "option width is 1e+308: expected 16 or less"),
        (["--latent-size", str(2**63)], "option latent_size is 9223372036854775808: expected a number below 2^63"),
        (["--latent-size", "1000000000000"], "Error: "),  # no option rules it out
        (["--classes", "²"], "no class '²'"),
        (["--device", "cuda:²"], "unknown device 'cuda:²'"),
    ],
)
def test_a_mistake_in_a_run_ends_in_one_line_without_a_record(invoke, tmp_path, arguments, complaint):
    classes = [] if "--classes" in arguments else ["--classes", "0"]
    assert complaint in error_line(invoke("run", "--dataset", "digits", "--runs", tmp_path, *classes, *arguments))
    assert not list(tmp_path.rglob(RECORD))


@pytest.mark.parametrize(
    "words",
    ["run --dataset digits --runs ~/r", "sweep --runs ~/r", "sweep --out ~/r", "check --runs ~/r", "diagnose ~/r",
     "fit ~/X --model ~/m", "score ~/m ~/X --out ~/s --report ~/p", "export ~/m ~/o"],
)  # fmt: skip
def test_the_home_directory_is_expanded_in_every_path(monkeypatch, tmp_path, words):
    monkeypatch.setenv("HOME", str(tmp_path))
    given = str(vars(cli._parser().parse_args(words.split())))
    assert "~" not in given and given.count(str(tmp_path)) == words.count("~")


def test_a_path_that_is_not_utf_8_is_printed(invoke, tmp_path):
    runs = tmp_path / os.fsdecode(b"caf\xe9")
    runs.mkdir()
    assert invoke("check", "--runs", runs) == (0, f"0 records in {tmp_path}/caf\\xe9, all whole\n", "")


def test_in_a_process_of_its_own_a_mistake_is_one_line_and_output_that_nobody_reads_is_no_error(command, tmp_path):
    done = command("check", "--runs", tmp_path / "nowhere")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and done.stdout == "" and line.startswith("adcgan: error: ")
    process = command.start("check", "--runs", tmp_path)
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait() == 141 and error == ""
