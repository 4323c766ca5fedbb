"""The report: the most anomalous first, everything escaped, no other file needed."""

import re
from pathlib import Path

import numpy as np
import pytest

from adcgan import AnomalyDetector
from adcgan import report as module
from adcgan.report import heat, report


@pytest.mark.parametrize("method", ["pca", "knn"])
def test_a_page_shows_every_picture_the_most_anomalous_first_and_needs_no_other_file(zeros, tmp_path, method):
    one, page = AnomalyDetector(method).fit(zeros.train), tmp_path / "report.html"
    one.names_ = ["<i>zero</i>"]
    images, names = zeros.test[:20], [Path(f"<b>{n}</b>.png") for n in range(20)]
    scores = one.anomaly_score(images)
    report(page, one, names, images, scores, [(Path("<u>.png"), "an <empty> file")])
    text = page.read_text()
    order = [int(n) for n in re.findall(r"<td>&lt;b&gt;(\d+)&lt;/b&gt;\.png</td>", text)]
    assert order == list(np.argsort(-scores, kind="stable"))
    assert not re.search(r"<b>|<i>|<u>|<empty>|https?://|<script|<link", text)
    assert text.count("data:image/png") == {"pca": 60, "knn": 20}[method]
    called = int((scores > one.threshold_).sum())
    assert f"<h1>{called} of 20 pictures called anomalous</h1>" in text and text.count(">yes</td>") == called
    assert "&lt;u&gt;.png: an &lt;empty&gt; file" in text


def test_only_so_many_pictures_are_shown_and_all_are_listed(zeros, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 3)
    one = AnomalyDetector("knn").fit(zeros.train)
    scores = one.anomaly_score(zeros.test[:9])
    report(tmp_path / "page.html", one, [Path(f"{n}.png") for n in range(9)], zeros.test[:9], scores, [])
    text = (tmp_path / "page.html").read_text()
    assert text.count("<img") == 3 and text.count(".png</td>") == 9 and "The 3 most anomalous" in text


def test_the_heat_map_brightens_with_the_difference():
    colours = heat(np.linspace(0, 1, 50)[None])
    assert (np.diff(colours[0].astype(int) @ [299, 587, 114]) > 0).all()
    assert colours[0, 0].tolist() == [0, 0, 0]
