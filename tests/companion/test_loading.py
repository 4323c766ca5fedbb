"""Records for the pages, and the command that repeats a run."""

import pytest
from companion import records
from edits import each_edit, edited
from factories import write_format1

from adcgan import cli
from adcgan.errors import AdcganError


def test_records_are_read_once_and_none_where_there_is_no_directory(few, tmp_path):
    found = records.load(few.runs)
    assert records.load(few.runs) is found and [record.run for record in found] == [record.run for record in few.all]
    assert records.load(tmp_path / "nothing") == ()


@each_edit
def test_a_record_edited_by_hand_stops_the_book_which_names_it(tmp_path, format, edit):
    path = edited(tmp_path, format, edit)
    with pytest.raises(AdcganError) as refused:
        records.load(tmp_path)
    assert str(refused.value).startswith(f"record {path}")


def test_every_method_has_its_title_in_the_tables():
    assert records.MODEL_OF["adcgan-printed"] == "AD-CGAN" and len(records.MODEL_OF) == len(records.METHOD_OF) == 11


@pytest.mark.parametrize(
    ("name", "said"),
    [("laptop", "scale laptop"), ("ablation", "scale laptop, no contrastive loss"), ("pca", ""),
     ("repeat", "scale laptop, repeat 1"), ("old", "scale paper, old default"), ("own", "scale laptop")],
)  # fmt: skip
def test_settings_name_scale_change_and_repeat(few, name, said):
    assert records.settings(getattr(few, name)) == said
    assert records.place(getattr(few, name)).startswith("runs/") and records.place(few.pca).endswith("/record.json")


def test_the_old_default_is_ad_cgans_alone(tmp_path):
    share = write_format1(tmp_path, method="adgan", study=False, test_images=2000)
    changed = write_format1(tmp_path, reconstruction="sum")
    assert records.settings(share) == "scale paper, test_images=2000"
    assert records.settings(changed) == "scale paper, old default, reconstruction=sum"


@pytest.mark.parametrize("name", ["laptop", "script", "ablation", "old", "pca", "alad", "own", "hard", "digits"])
def test_the_command_is_one_that_the_command_line_takes_and_names_the_run(few, name):
    run = getattr(few, name).run
    given = cli._parser().parse_args(records.command(getattr(few, name)).split()[1:])
    dataset = "PATH/pets" if name == "own" else run.dataset
    assert (given.method, given.dataset, given.scheme) == (run.method, dataset, run.scheme)
    assert (given.classes, given.seeds, str(given.runs)) == ([str(run.label)], [run.seed], "my-runs")
    assert (given.recipe, given.scale) == (run.recipe, run.scale)
    assert {option: getattr(given, option) for option in run.changes} == {
        option: str(value) for option, value in run.changes.items()
    }
