"""Official StarGAN v2 checkpoints, ``<step>_nets_ema.ckpt``: the state dicts of several networks, by network name.

Published files may lack the constant filter of the high-pass skip. Files saved by other code may have ``module.``
before every name. With a skip, the landmark network is in the same file or in the separate ``wing.ckpt``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.official.files import load_torch, plain_tensors
from bridgebench.methods.official.tensors import match
from bridgebench.methods.starganv2.editor import StarGANv2
from bridgebench.methods.starganv2.masks import FaceMasks
from bridgebench.methods.starganv2.networks import HighPass

State = dict[str, Tensor]
# Label columns by image size and number of domains: official runs, and bangs on CelebA at the benchmark's 128 pixels.
_KNOWN_DOMAINS = {(256, 3): ("cat", "dog", "wild"), (256, 2): ("female", "male"), (128, 2): ("Without_Bangs", "Bangs")}
_NETWORKS = ("generator", "mapping_network", "style_encoder")
_UNREAD = ("discriminator", "fan")  # networks that a file may also hold; fan is read only with a high-pass skip
_FILTER = "hpf.filter"
_OFFICIAL_HIGH_PASS = 1.0


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> StarGANv2:
    """Loads an official checkpoint as an editor in eval mode; all sizes are read from the tensors.

    Args:
        paths: ``<step>_nets_ema.ckpt`` or ``<step>_nets.ckpt`` (without the moving average), and also
            ``wing.ckpt`` if the generator has a high-pass skip and the file has no landmark network.
        attributes: names of the label columns, one per domain in the order of training. For two domains, one name is
            enough: the attribute that the second domain has and the first lacks. Default: the official domains.

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), no landmark network where one is needed, or
            a number of attributes that does not match the domains.
    """
    read = {Path(path): _read(path) for path in paths}
    files = [path for path, found in read.items() if "generator" in found]
    if len(files) != 1 or len(read) > 2:
        given = ", ".join(str(path) for path in paths) or "nothing"
        raise UserError(f"StarGAN v2 is imported from one file <step>_nets_ema.ckpt; given: {given}.")
    path = files[0]
    networks = read.pop(path)
    _refuse_strangers(networks, path)
    states = {name: _state(networks, name, path) for name in _NETWORKS}
    sizes = _sizes(states, path)
    with torch.device("meta"):  # so that sizes from a damaged file take no memory
        editor = StarGANv2(attributes=_attributes(attributes, sizes, states, path), **sizes)
    if sizes["high_pass"]:
        states["generator"].setdefault(_FILTER, HighPass(sizes["high_pass"]).filter)
        outside = next(iter(read), None)
        states["fan"] = load_landmarks(outside) if outside else _landmarks(networks, path)
    for name, state in states.items():
        network = editor.get_submodule(name)
        expected = {key: tensor.shape for key, tensor in network.state_dict().items()}
        network.load_state_dict(match(state, expected, where=f"{path} ({name})"), assign=True)
    return editor.eval()


def load_landmarks(path: str | Path) -> State:
    """The landmark network's tensors from ``wing.ckpt`` (in ``state_dict``, or at the top level); others are ignored.

    Raises:
        UserError: a missing or damaged file, or a file without these tensors.
    """
    found = _read(path)
    nested = found.get("state_dict", found)
    return _landmarks({"fan": nested}, path, optional=[r".*"])


def _landmarks(networks: Mapping[str, Any], path: str | Path, optional: Sequence[str] = ()) -> State:
    if "fan" not in networks:
        raise UserError(f"{path} has a high-pass skip but no landmark network 'fan': give the file wing.ckpt too.")
    state = _state(networks, "fan", path)
    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in FaceMasks().state_dict().items()}
    for name in expected:
        if name.endswith("num_batches_tracked"):  # PyTorch before 0.4.1 did not save this counter
            state.setdefault(name, torch.tensor(0))
    return match(state, expected, where=f"{path} (fan)", optional=optional)


def _read(path: str | Path) -> dict[str, Any]:
    found = load_torch(path)
    if not isinstance(found, dict):
        raise UserError(f"{path} is no StarGAN v2 checkpoint: it holds no table of networks.")
    return found


def _refuse_strangers(networks: Mapping[str, Any], path: Path) -> None:
    missing = [name for name in _NETWORKS if name not in networks]
    unknown = [str(name) for name in networks if name not in _NETWORKS + _UNREAD]
    said = [f"{kind}: {', '.join(names)}" for kind, names in (("missing", missing), ("unknown", unknown)) if names]
    if said:
        raise UserError(f"The networks of {path} are not those of StarGAN v2; {'; '.join(said)}.")


def _state(networks: Mapping[str, Any], name: str, path: str | Path) -> State:
    """One network's tensors: floating-point tensors as float32, names without ``module.`` if all of them have it."""
    state = plain_tensors(networks[name] or None, path, f"The network '{name}' of ")
    prefix = "module." if all(str(key).startswith("module.") for key in state) else ""
    return {
        str(key).removeprefix(prefix): value.float() if value.is_floating_point() else value
        for key, value in state.items()
    }


def _sizes(states: Mapping[str, State], path: Path) -> dict[str, Any]:
    """The constructor arguments of `StarGANv2`, except the attributes."""
    generator, encoder = states["generator"], states["style_encoder"]

    def size(network: str, tensor: str, axis: int, axes: int) -> int:
        found = states[network].get(tensor)
        if found is None or found.ndim != axes:
            what = "missing" if found is None else "of another shape"
            raise UserError(f"The tensors of {path} ({network}) are not those of this network; {what}: {tensor}.")
        return found.shape[axis]

    blocks = _count(encoder, r"shared\.(\d+)\.conv[12]\.")
    if not 3 <= blocks <= 10:
        raise UserError(f"The tensors of {path} (style_encoder) are not those of this network; blocks: {blocks}.")
    # E halves to 4x4; G halves to 16x16 (8x8 with a skip) and adds two blocks: only with a skip G has more than E.
    skip = _count(generator, r"encode\.(\d+)\.") > blocks
    return {
        "image_size": 2 ** (blocks + 2),
        "width": size("generator", "from_rgb.weight", 0, 4),
        "widest": size("style_encoder", f"shared.{blocks + 2}.weight", 0, 4),
        "style_size": size("generator", "decode.0.norm1.fc.weight", 1, 2),
        "noise_size": size("mapping_network", "shared.0.weight", 1, 2),
        "mapping_width": size("mapping_network", "shared.0.weight", 0, 2),
        "high_pass": _high_pass(generator, path) if skip else 0.0,
    }


def _high_pass(generator: State, path: Path) -> float:
    """w_hpf, read from the centre of the filter, which is 8 / w_hpf."""
    if _FILTER not in generator:
        return _OFFICIAL_HIGH_PASS
    kernel = generator[_FILTER]
    centre = float(kernel.flatten()[kernel.numel() // 2]) if kernel.numel() else 0.0
    if not centre > 0:
        raise UserError(f"The tensors of {path} (generator) are not those of this network; no high-pass: {_FILTER}.")
    return 8.0 / centre


def _count(state: State, pattern: str) -> int:
    return len({found[1] for name in state if (found := re.match(pattern, name))})


def _attributes(
    given: Sequence[str] | None, sizes: Mapping[str, Any], states: Mapping[str, State], path: Path
) -> Sequence[str]:
    domains = _count(states["mapping_network"], r"unshared\.(\d+)\.")
    if given is None:
        if (sizes["image_size"], domains) not in _KNOWN_DOMAINS:
            raise UserError(f"{path} has {domains} domains: name them, in the order of training (--attributes).")
        return _KNOWN_DOMAINS[sizes["image_size"], domains]
    if len(given) != domains and (len(given), domains) != (1, 2):
        raise UserError(
            f"{path} has {domains} domains, but {len(given)} attributes were named: name a column a domain, or for "
            "two domains the one attribute that the second has."
        )
    return tuple(given)
