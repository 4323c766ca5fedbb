"""ONNX: the same scores as PyTorch, for any number of pictures; what cannot be exported is one line."""

import json
from importlib.util import find_spec

import numpy as np
import onnx
import onnxruntime
import pytest
from small import refusal

from adcgan import AnomalyDetector, export
from adcgan.scoring import normality_score

TINY = {
    "adcgan": dict(width=0.1, warm_up_epochs=1, epochs=1, epoch_images=64),
    "aegan": dict(width=0.05, epochs=1, epoch_images=64),
    "pca": {},
    "knn": {},
}


@pytest.mark.parametrize("method", TINY)
def test_onnxruntime_gives_the_same_scores_and_components_for_any_number_of_pictures(zeros, tmp_path, method):
    one, path = AnomalyDetector(method, options=TINY[method]).fit(zeros.train), tmp_path / "model.onnx"
    assert export.export(one, path) <= 1e-4
    session = onnxruntime.InferenceSession(path)
    about = json.loads(session.get_modelmeta().custom_metadata_map["adcgan"])
    assert about["threshold"] == one.threshold_ and about["method"] == method
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape[1:]) == ("images", "tensor(uint8)", [28, 28, 1])
    expected, components = one.anomaly_score(zeros.test), one.fitted_.score(zeros.test)
    assert about["components"] == list(components)
    for count in (1, 3, len(zeros.test)):
        score, found = session.run(["score", "components"], {"images": zeros.test[:count]})
        np.testing.assert_allclose(score, expected[:count], rtol=1e-4)
        np.testing.assert_allclose(found, np.stack(list(components.values()), 1)[:count], rtol=1e-4, atol=1e-5)


def test_a_score_is_a_weighted_sum_of_its_components(small_method, zeros):
    method = small_method()
    components = method.score(zeros.test[:5])
    unit = {name: np.eye(len(components))[n] for n, name in enumerate(components)}
    weights = normality_score(method.config, unit)
    np.testing.assert_allclose(
        np.stack(list(components.values()), 1) @ weights, normality_score(method.config, components)
    )


def test_what_onnxruntime_does_not_confirm_is_not_written(zeros, tmp_path, monkeypatch):
    one, path = AnomalyDetector("pca").fit(zeros.train), tmp_path / "model.onnx"
    monkeypatch.setattr(export, "TOLERANCE", -1)
    assert "onnxruntime's scores differ" in refusal(export.export, one, path)
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "onnxruntime" else find_spec(name))
    assert "export needs onnxruntime: pip install onnx onnxruntime" in refusal(export.export, one, path)
    assert not list(tmp_path.iterdir())
    assert onnx.__version__
