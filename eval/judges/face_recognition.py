"""dlib's face recognizer: who a photo shows, or that it shows no face.

The packages `dlib-bin` and `face_recognition_models` bring the code and the weights (CC0). Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridgebench.eval.judges.networks import Network
from bridgebench.methods.core.errors import UserError

SIZE = 128  # numbers a face
_LEAST_SIDE = 256  # pixels; dlib finds faces of 80 pixels and more, so smaller images are enlarged
_FILES = ("shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat")


def load_dlib() -> Network:
    """dlib's detector, its five landmarks, and its recognition network, which gives 128 numbers a face.

    Of several faces in an image the largest counts. An image without a face gives NaN.

    Raises:
        UserError: the packages are not installed.
    """
    models = find_spec("face_recognition_models")  # importing it would need pkg_resources
    try:
        import dlib
    except ImportError:
        models = None
    if models is None or not models.submodule_search_locations:
        raise UserError(
            "Identity of photos by dlib needs the packages dlib-bin and face_recognition_models: pip install "
            "'bridgebench[identity]'."
        )
    landmarks, recognizer = (Path(models.submodule_search_locations[0]) / "models" / name for name in _FILES)
    parts = (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(landmarks)),
        dlib.face_recognition_model_v1(str(recognizer)),
    )
    digest = hashlib.sha256(landmarks.read_bytes() + recognizer.read_bytes()).hexdigest()
    return Network(digest, lambda images: np.stack([_embed(parts, image) for image in images]))


def _embed(parts: tuple[Any, Any, Any], image: NDArray[np.uint8]) -> NDArray[np.float32]:
    detector, predictor, recognizer = parts
    enlarged = _enlarged(image)
    faces = detector(enlarged)
    if not faces:
        return np.full(SIZE, np.nan, np.float32)
    largest = max(faces, key=lambda face: face.area())
    return np.array(recognizer.compute_face_descriptor(enlarged, predictor(enlarged, largest)), np.float32)


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = max(1.0, _LEAST_SIDE / min(height, width))
    size = (round(width * factor), round(height * factor))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
