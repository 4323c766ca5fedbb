"""Baselines through scikit-learn: what a method costs nothing to beat. Pixels in [0, 1]; larger is more anomalous."""

import numpy as np
from sklearn.decomposition import PCA as Components
from sklearn.ensemble import IsolationForest as Forest
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import OneClassSVM

from ..config.baselines import IsolationForestConfig, KNNConfig, OCSVMConfig, PCAConfig
from ..errors import AdcganError
from .base import Baseline


def flat(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, H, C) as float32 (N, H H C) in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def components(share: float, images: np.ndarray) -> Components:
    """The leading components that keep ``share`` of the variance of flat images, by an exact decomposition.

    Where the images are few, of the images: that of the values' covariance would take minutes.
    """
    few = 2 * len(images) < images.shape[1]
    return Components(share, svd_solver="full" if few else "covariance_eigh").fit(images)


class PCA(Baseline):
    """Squared error of the projection on the leading components."""

    config: PCAConfig

    def fit(self, images: np.ndarray, seed: int) -> None:
        """The components of the normal images."""
        self.components = components(self.config.variance, flat(images))

    def arrays(self) -> dict[str, np.ndarray]:
        """The mean and the components."""
        return {"mean": self.components.mean_, "components": self.components.components_}

    def set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Components with these values; no others are used here."""
        mean, rows = arrays["mean"], arrays["components"]
        self.check_arrays(mean[None], rows)
        self.components = Components(len(rows), svd_solver="full")
        # In scikit-learn's order in memory, which the last bits of a matrix product depend on.
        self.components.mean_, self.components.components_ = mean, np.asfortranarray(rows)
        self.components.explained_variance_ = np.ones(len(rows), rows.dtype)  # read where scikit-learn whitens

    def projected(self, images: np.ndarray) -> np.ndarray:
        """The images' projections, float (M, H H C)."""
        return self.components.inverse_transform(self.components.transform(flat(images)))

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Mean over pixels of the squared error."""
        return {"error": ((flat(images) - self.projected(images)) ** 2).mean(1)}

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """The projections as uint8 pictures."""
        return np.rint(self.projected(images) * 255).clip(0, 255).astype(np.uint8).reshape(images.shape)


class KNN(Baseline):
    """Mean Euclidean distance to the nearest normal images."""

    config: KNNConfig

    def fit(self, images: np.ndarray, seed: int) -> None:
        """The normal images themselves."""
        if len(images) < self.config.neighbours:
            raise AdcganError(
                f"neighbours is {self.config.neighbours}: there are {len(images)} normal training images; give fewer"
            )
        self.images = images
        self.neighbours = NearestNeighbors(n_neighbors=self.config.neighbours, algorithm="brute").fit(flat(images))

    def arrays(self) -> dict[str, np.ndarray]:
        """The images."""
        return {"images": self.images}

    def set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Neighbours among these images."""
        self.check_arrays(arrays["images"].reshape(len(arrays["images"]), -1), kind=np.uint8)
        self.fit(arrays["images"], 0)

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """The mean over the neighbours."""
        return {"distance": self.neighbours.kneighbors(flat(images))[0].mean(1).astype(np.float32)}


class OCSVM(Baseline):
    """One-class SVM with scikit-learn's default Gaussian kernel on PCA features."""

    config: OCSVMConfig

    def fit(self, images: np.ndarray, seed: int) -> None:
        """The support of the normal images' features, or of as many as the configuration admits."""
        self.components = components(self.config.variance, flat(images))
        if len(images) > self.config.training_images:
            chosen = np.random.default_rng(seed).choice(len(images), self.config.training_images, replace=False)
            images = images[np.sort(chosen)]
        self.machine = OneClassSVM(nu=self.config.nu, gamma="scale")
        self.machine.random_state = seed  # otherwise libsvm's seed is drawn from NumPy's global generator
        self.machine.fit(self.components.transform(flat(images)))

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """How far outside the support: scikit-learn's decision function with its sign turned."""
        distances = self.machine.decision_function(self.components.transform(flat(images)))
        return {"outside": -distances.astype(np.float32)}


class IsolationForest(Baseline):
    """Isolation forest on pixels."""

    config: IsolationForestConfig

    def fit(self, images: np.ndarray, seed: int) -> None:
        """Trees drawn by the seed."""
        self.forest = Forest(n_estimators=self.config.trees, random_state=seed).fit(flat(images))

    def score(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """scikit-learn's score with its sign turned."""
        return {"isolation": -self.forest.score_samples(flat(images)).astype(np.float32)}
