"""fit, score and export as a user meets them: three layouts, what is said of the pictures, and refusals in one line."""

import csv
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

TINY = ["--options", "width=0.1 warm_up_epochs=0 epochs=1 epoch_images=64", "--image-size", "28"]


def draw(folder, count, kind="", size=(40, 30), mode="RGB", start=0):
    """Noisy pictures of a disc; of kind "hole" with a dark hole in it."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(start + len(kind))
    for number in range(start, start + count):
        picture = Image.new(mode, size, 120 if mode == "L" else (120, 125, 130))
        pen = ImageDraw.Draw(picture)
        x, y = size[0] / 2 + random.uniform(-2, 2), size[1] / 2 + random.uniform(-2, 2)
        pen.ellipse((x - 9, y - 9, x + 9, y + 9), fill=200 if mode == "L" else (200, 160, 60))
        if kind == "hole":
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=0 if mode == "L" else (0, 0, 0))
        noisy = np.asarray(picture).astype(int) + random.integers(-9, 10, np.asarray(picture).shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture
def mvtec(tmp_path):
    root = tmp_path / "bottle"
    draw(root / "train/good", 45)
    draw(root / "test/good", 10, start=50)
    draw(root / "test/hole", 10, "hole")
    draw(root / "ground_truth/hole", 10)
    (root / "readme.txt").touch()
    return root


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_from_a_folder_to_scores_a_page_and_a_graph(invoke, mvtec, tmp_path):
    model, page = tmp_path / "model.safetensors", tmp_path / "report.html"
    status, out, err = invoke("fit", mvtec, "--model", model, *TINY)
    assert status == 0, err
    assert "45 normal pictures of good, 10 to test on of good, 10 to test on of hole" in out
    assert "65 of 40x30; 65 in colour; read as 28x28 colour; what is not square is stretched" in out
    assert "25 to learn from, 20 held out to set the threshold" in out
    assert "AD-CGAN: epoch 1/1, L_adv_D" in err and "s left" in err
    for method in ("adcgan", "pca", "knn"):
        assert f"  {method}: " in out
    assert "pca: 100.0 (too few errors for an interval); 10 of 10 detected" in out
    status, out, err = invoke("score", model, mvtec / "test", "--report", page)
    assert status == 0 and "read as 28x28 colour" in err
    rows = table(out)
    assert [row["path"] for row in rows] == sorted(map(str, mvtec.glob("test/*/*.png")))
    assert all((row["anomalous"] == "yes") == (float(row["p_value"]) <= 0.05) for row in rows)
    assert page.read_text().count("<img") == 60
    status, out, err = invoke("export", model, tmp_path / "model.onnx")
    assert status == 0 and "images uint8 (N, 28, 28, 3) -> score, components" in out, err
    assert (tmp_path / "model.onnx").stat().st_size > 10_000


@pytest.mark.parametrize("layout", ["flat", "good", "classes", "val"])
def test_every_layout_is_found(invoke, tmp_path, layout):
    root = tmp_path / "X"
    normal = {"flat": "", "good": "good", "classes": "fine", "val": "Train/good"}[layout]
    draw(root / normal, 41)
    if layout in ("classes", "val"):
        draw(root / {"classes": "holes", "val": "Val/hole"}[layout], 6, "hole")
    named = ["--normal", "fine"] if layout == "classes" else []
    status, out, err = invoke("fit", root, "--model", tmp_path / "m", "--method", "pca", *named)
    assert status == 0, err
    assert f"41 normal pictures of {'fine' if named else 'good'}" in out
    assert ("6 anomalous against the held-out normal pictures" in out) == (layout in ("classes", "val"))


def test_what_a_folder_does_not_give_is_refused_in_one_line_and_leaves_no_model(invoke, tmp_path, mvtec):
    draw(tmp_path / "few", 39)
    (tmp_path / "none").mkdir()
    draw(tmp_path / "two/a", 40)
    draw(tmp_path / "two/b", 40)
    draw(tmp_path / "bad", 1)
    for number in range(3):
        (tmp_path / f"bad/{number:03}.png").write_bytes(b"")
    for folder, more, complaint in (
        ("few", [], "there are 39 normal pictures: expected at least 40"),
        ("none", [], "it has no picture to learn from; check the path"),
        ("nowhere", [], "is not a directory"),
        ("two", [], "its classes are a, b; name the normal one with --normal"),
        ("two", ["--normal", "c"], "unknown normal class 'c': expected one of a, b"),
        ("bad", [], "none of its normal pictures can be read: "),
        (".", [], "holds several data sets (bottle): name one of them"),
        ("bottle", ["--false-alarms", "0.01"], "20 held-out pictures allow 0.048 or more"),
        ("bottle", ["--options", "test_set=official"], "option test_set is for runs"),
        ("bottle", ["--image-size", "30"], "invalid choice"),
    ):
        status, _, err = invoke("fit", tmp_path / folder, "--model", tmp_path / "m", "--method", "pca", *more)
        (line,) = [line for line in err.splitlines() if line.startswith("adcgan: error: ")]
        assert status == 2 and complaint in line and not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "words", ["score no-model pictures --out", "score no-model pictures --report", "export no-model"]
)
def test_a_place_that_cannot_be_written_is_refused_before_the_work(invoke, tmp_path, words):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "out"
    status, out, err = invoke(*words.split(), place)
    assert (status, out, err.count("\n")) == (2, "", 1) and f"{place} cannot be written (File exists)" in err


def test_mixed_pictures_and_other_sizes_are_said_and_bad_files_do_not_stop_the_rest(invoke, tmp_path):
    root, model = tmp_path / "X", tmp_path / "model"
    draw(root, 30)
    draw(root, 15, mode="L", start=30)
    (root / "empty.png").touch()
    (root / "notes.txt").touch()
    status, out, err = invoke("fit", root, "--model", model, "--method", "knn")
    assert status == 0, err
    assert "45 of 40x30; 30 in colour, 15 in grey; read as 32x32 colour; grey is taken as red = green = blue" in out
    assert "left out: 2: " in out and "empty.png (an empty file)" in out and "notes.txt (no ending of a picture" in out
    other = draw(tmp_path / "other", 3, size=(90, 20), mode="L")
    (other / "broken.png").write_bytes(b"no picture")
    status, out, err = invoke("score", model, other, tmp_path / "nowhere.png", root / "000.png")
    assert status == 1 and len(table(out)) == 4
    assert "3 of 90x20, 1 of 40x30; 3 in grey, 1 in colour; read as 32x32 colour" in err
    assert "not scored: " + str(other / "broken.png") + ": not a picture that Pillow can read" in err
    assert f"not scored: {tmp_path / 'nowhere.png'}: No such file or directory" in err
    status, out, err = invoke("score", model, other / "broken.png")
    assert status == 2 and out == "" and "no picture can be read" in err
    status, out, err = invoke("score", model, other, "--out", tmp_path / "scores.csv")
    assert status == 1 and out == "" and len(table((tmp_path / "scores.csv").read_text())) == 3
    assert invoke("score", tmp_path / "scores.csv", other)[0] == 2
