"""The pad-and-shrink preprocessing of the October 2021 script."""

import numpy as np
import pytest

from adcgan.data.preprocessing import pad_shrink


@pytest.mark.parametrize(("side", "channels", "frame"), [(28, 1, 0.40), (32, 3, 0.29)])
def test_pad_shrink_puts_a_black_frame_around_a_smaller_image_and_leaves_64_pixels_alone(side, channels, frame):
    white = np.full((2, side, side, channels), 255, np.uint8)
    shrunk = pad_shrink(white)
    assert shrunk.shape == white.shape and shrunk.dtype == np.uint8
    assert (shrunk[:, side // 2, side // 2] == 255).all() and (shrunk[:, 0] == 0).all()
    assert 1 - shrunk.mean() / 255 == pytest.approx(frame, abs=0.01)
    images = np.random.randint(0, 256, (2, 64, 64, 3), np.uint8)
    assert (pad_shrink(images) == images).all()
