"""What the benchmark measured, read back, and the grid's hours from it."""

import json

import pytest
from companion.analysis import speed

from adcgan.errors import AdcganError


@pytest.fixture
def kept(tmp_path):
    """A directory with results of a made-up machine."""

    def row(size, rate, path="captured", method="adcgan", architecture="t2r"):
        return {"method": method, "image_size": size, "architecture": architecture, "path": path,
                "steps_per_second": rate}  # fmt: skip

    scored = row(28, None, path="scoring") | {"batch_size": 8, "images_per_second": 90.0}
    rows = [row(28, 2.0), row(28, 5.0), row(28, 9.0, architecture="t2p"), row(28, 8.0, method="alad"), scored]
    device = {"name": "a machine", "threads": 2}
    for name, more in (("a", {"rows": rows}), ("b", {"kind": "parity", "rows": []})):
        (tmp_path / f"{name}.json").write_text(json.dumps({"device": device} | more))
    return tmp_path


def test_results_are_read_by_kind_and_a_file_that_is_none_is_named(kept):
    (result,) = speed.results(kept)
    assert result["file"] == "a.json" and len(speed.training(result)) == 4
    assert speed.scoring(result)["images_per_second"].tolist() == [90]
    assert [other["file"] for other in speed.results(kept, "parity")] == ["b.json"]
    assert speed.results(kept / "nothing") == []
    (kept / "x.json").write_text("{}")
    with pytest.raises(AdcganError, match="x.json is no result of benchmarks/"):
        speed.results(kept)


def test_the_projection_counts_the_grids_steps_at_the_best_rate_for_its_images(kept):
    (result,) = speed.results(kept)
    frame = speed.projection(result).set_index(["dataset", "scheme"])
    fashion = frame.loc[("fashion_mnist", "one-vs-all")]
    assert (fashion["runs"], fashion["steps"]) == (30, 30 * 20 * 187)
    assert frame.loc[("mnist", "all-vs-one"), "steps"] == 30 * 50 * (54000 // 32)
    assert fashion["hours"] == pytest.approx(fashion["steps"] / 5 / 3600), "the best of adcgan's with networks T2-R"
    assert frame["runs"].sum() == 186 and frame["hours"].isna().sum() == 3, "32 and 64 pixels were not measured"
