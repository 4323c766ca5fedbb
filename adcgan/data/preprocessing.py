"""The October 2021 script's preprocessing, for the protocol that imitates it."""

import numpy as np

PADDING = {28: 4, 32: 3, 64: 0}  # CenterCrop(36) on 28 pixels, CenterCrop(38) on 32, none on 64


def pad_shrink(images: np.ndarray) -> np.ndarray:
    """Zero-pad uint8 (N, H, H, C) and shrink back to H (bilinear, antialiased): open choice: padding and shrinking."""
    from PIL import Image

    side = images.shape[1]
    padding = PADDING[side]
    if padding == 0 or len(images) == 0:
        return images
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    grey = images.shape[3] == 1
    shrunk = [
        np.asarray(Image.fromarray(image[..., 0] if grey else image).resize((side, side), Image.BILINEAR))
        for image in padded
    ]
    return np.stack(shrunk).reshape(images.shape)
