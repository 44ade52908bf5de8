"""DINOv2 and CLIP as feature spaces, from a local folder as Hugging Face lays it out: config.json, model.safetensors.

Nothing is downloaded and no code of the folder is run: the architectures are those of the package `transformers`, and
weights are read from safetensors alone. Images are brought to the network's size by Pillow's bicubic filter.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bridgebench.eval.judges.networks import Network
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.files import parse_json, read_bytes

_FILES = ("config.json", "model.safetensors")
_BICUBIC = Image.Resampling.BICUBIC


class _Kind(NamedTuple):
    """How a network of `transformers` is used.

    Attributes:
        model: its class.
        types: the values of ``model_type`` in a config.json that the class reads.
        output: which output is the feature vector.
        side: of its images in pixels; None: what its config says.
        mean, deviation: of the channels of the images that it was trained on, in [0, 1].
    """

    model: str
    types: tuple[str, ...]
    output: str
    side: int | None
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


_KINDS = {
    # DINOv2's class token, at the side of its evaluations.
    "dinov2": _Kind("Dinov2Model", ("dinov2",), "pooler_output", 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # CLIP's image embedding, before it is brought to length 1.
    "clip": _Kind(
        "CLIPVisionModelWithProjection",
        ("clip", "clip_vision_model"),
        "image_embeds",
        None,
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    ),
}


def load_deep(name: str, folder: str | Path, device: torch.device | str = "cpu") -> Network:
    """DINOv2 ("dinov2") or CLIP ("clip") from a folder.

    Raises:
        UserError: the package `transformers` or a file of the folder is missing, or the folder holds something else.
    """
    kind, folder = _KINDS[name], Path(folder)
    lacking = [file for file in _FILES if not (folder / file).is_file()]
    if lacking:
        raise UserError(
            f"[weights] {name} names {folder}, which lacks {' and '.join(lacking)}: name a folder of a model of the "
            f"type {kind.types[0]} as Hugging Face's transformers saves it."
        )
    config = _config(folder / _FILES[0])
    if config.get("model_type") not in kind.types:
        raise UserError(f"{folder} holds a model of the type {config.get('model_type')!r}, not {kind.types[0]!r}.")
    network = _network(kind, folder).eval().to(device)
    side = kind.side or int(network.config.image_size)
    digest = hashlib.sha256()
    for file in _FILES:
        digest.update(hashlib.sha256((folder / file).read_bytes()).digest())
    return Network(digest.hexdigest(), lambda images: _embed(kind, network, side, images, device))


def _config(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(read_bytes(path))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no readable JSON ({error}).") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is no configuration of a model.")
    return found


def _network(kind: _Kind, folder: Path) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise UserError("DINOv2 and CLIP need the package transformers: pip install 'bridgebench[deep]'.") from error
    transformers.utils.logging.disable_progress_bar()
    try:
        found, told = getattr(transformers, kind.model).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # a stranger's file may make transformers raise almost anything
        raise UserError(f"{folder} cannot be read as {kind.model} ({str(error).splitlines()[0]:.200}).") from error
    if told["missing_keys"]:
        raise UserError(f"{folder} lacks tensors of {kind.model}, such as {sorted(told['missing_keys'])[0]}.")
    return found


def _embed(
    kind: _Kind, network: Any, side: int, images: NDArray[np.uint8], device: torch.device | str
) -> NDArray[np.float32]:
    resized = np.stack([np.array(Image.fromarray(image).resize((side, side), _BICUBIC)) for image in images])
    mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1) for values in (kind.mean, kind.deviation))
    with torch.inference_mode():
        batch = torch.from_numpy(resized).to(device).permute(0, 3, 1, 2) / 255
        return getattr(network(pixel_values=(batch - mean) / deviation), kind.output).float().cpu().numpy()
