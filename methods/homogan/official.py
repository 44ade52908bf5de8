"""Reads official HomoGAN checkpoints: ``encoder-LABEL.pth``, ``interp_net-LABEL.pth`` and ``decoder-LABEL.pth``.

Each is a plain state dict with ``module.`` before our names (the encoder: ``module.model.``). They do not hold the
attributes or their groups. ``discrim-LABEL.pth`` tells the sizes of the groups, ``KGTransform-LABEL.pth`` nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import CELEBA14
from bridgebench.methods.homogan.editor import OFFICIAL_GROUPS, Groups, HomoGAN, default_groups
from bridgebench.methods.homogan.networks import Discriminator, FeatureNet, Interpolator
from bridgebench.methods.official.files import read_torch
from bridgebench.methods.official.tensors import match, named_columns

PARTS = {"encoder": "encoder", "interp_net": "interpolator", "decoder": "decoder"}
OFFICIAL_ATTRIBUTES = tuple(name for group in OFFICIAL_GROUPS for name in group)
_SIDE = 8  # side of the feature maps that the official discriminator takes
_MOST_BRANCHES = 64
# Patterns of tensor names (without the prefix "module.") that tell which file a tensor comes from.
_TELLING = {
    "encoder": r"model\.features_\d\.conv\d_\d\.\w+",
    "interp_net": r"branch\.\d+\.model\.\d\.\w+",
    "decoder": r"model\.\d+\.running_\w+",
    "discrim": r"ifReal\.\w+|attr_branches\.\d+\.\w+",
    "KGTransform": r"weight|bias",
}
State = Mapping[str, Tensor]


def import_official(paths: Sequence[str | Path], attributes: Sequence[str] | None = None) -> HomoGAN:
    """Loads an official checkpoint as an editor in eval mode; its sizes are read from the tensors.

    Args:
        paths: ``encoder-...``, ``interp_net-...`` and ``decoder-...``, in any order. ``discrim-...`` and
            ``KGTransform-...`` may be among them, but edits do not need them.
        attributes: names of the label columns. They form the official groups; any other attribute is its own group.
            Default: the benchmark's 14, or with ``discrim-...`` the list that fits it (the official 15 or those 14).

    Raises:
        UserError: a damaged file, missing or unknown tensors (named), not one of each of the three files, or attributes
            whose groups differ from the checkpoint's.
    """
    files = _by_kind([Path(path) for path in paths])
    if not PARTS.keys() <= files.keys():
        given = ", ".join(map(str, paths)) or "nothing"
        raise UserError(
            f"HomoGAN is imported from the three files encoder-..., interp_net-... and decoder-...; given: {given}."
        )
    width, levels = _encoder_sizes(*files["encoder"])
    branches = _count(r"branch\.(\d{1,2})\.", files["interp_net"][1]) or len(OFFICIAL_GROUPS) + 1
    channels, groups = width * min(2**levels, 8), None
    if "discrim" in files:
        groups = _group_sizes(*files["discrim"], channels)
    # A damaged file may claim any size: compare the sizes with its tensors before memory is allocated for them.
    with torch.device("meta"):
        expected = nn.ModuleDict({"encoder": FeatureNet(width, levels), "interp_net": Interpolator(channels, branches)})
        expected["decoder"] = HomoGAN(image_size=_SIDE << levels, width=width, levels=levels).decoder
    found = {kind: _matched(expected[kind], *files[kind], kind) for kind in PARTS}
    path = files["discrim"][0] if "discrim" in files else files["interp_net"][0]
    names = attributes
    if names is None and groups is not None:
        names = named_columns(None, sum(groups), (OFFICIAL_ATTRIBUTES, CELEBA14), path)
    names = tuple(CELEBA14 if names is None else names)
    editor = HomoGAN(
        attributes=names,
        image_size=_SIDE << levels,
        width=width,
        levels=levels,
        groups=_groups(names, branches - 1, groups, path),
    )
    for kind, part in PARTS.items():
        editor.get_submodule(part).load_state_dict(found[kind])
    return editor.eval()


def _by_kind(paths: Sequence[Path]) -> dict[str, tuple[Path, State]]:
    """The files by their kind, which their tensors tell, or their names if the tensors do not."""
    files: dict[str, tuple[Path, State]] = {}
    for path in paths:
        state = {name.removeprefix("module."): tensor for name, tensor in read_torch(path).items()}
        kinds = [kind for kind, telling in _TELLING.items() if any(re.fullmatch(telling, name) for name in state)] or [
            kind for kind in _TELLING if path.name.startswith(kind)
        ]
        if len(kinds) != 1:
            raise UserError(
                f"{path} is not told to be HomoGAN's encoder, interp_net, decoder, discrim or KGTransform, by its "
                "tensors or its name."
            )
        if kinds[0] in files:
            raise UserError(f"{files[kinds[0]][0]} and {path} are both HomoGAN's {kinds[0]}; give one of each.")
        files[kinds[0]] = path, state
    return files


def official_names(network: nn.Module, kind: str) -> dict[str, str]:
    """The official names of a network's tensors, without ``module.``; the keys are our names."""
    renamed = {"discrim": (("realness.", "ifReal."), ("heads.", "attr_branches.")), "encoder": (("", "model."),)}
    names: dict[str, str] = {}
    for name in network.state_dict():
        pairs = [(ours, theirs) for ours, theirs in renamed.get(kind, ()) if name.startswith(ours)]
        names[name] = name.replace(*pairs[0], 1) if pairs else name
    return names


def _matched(network: nn.Module, path: Path, state: State, kind: str) -> dict[str, Tensor]:
    """The tensors of a network, under our names."""
    names, shapes = official_names(network, kind), network.state_dict()
    counters = {name: torch.zeros((), dtype=torch.long) for name in shapes if name.endswith("num_batches_tracked")}
    # Files from PyTorch before 0.4.1 have no counters; edits do not need them.
    complete = {**{names[name]: zero for name, zero in counters.items()}, **state}
    found = match(complete, {names[name]: tensor.shape for name, tensor in shapes.items()}, where=path)
    return {name: found[official] for name, official in names.items()}


def _encoder_sizes(path: Path, state: State) -> tuple[int, int]:
    """The width and the levels of an encoder."""
    first = state.get("model.features_1.conv1_1.weight")
    if first is None or first.ndim != 4 or not first.shape[0]:
        # Compare with an official network of the usual sizes: its error says best which tensors the file lacks.
        with torch.device("meta"):
            usual = FeatureNet()
        _matched(usual, path, state, "encoder")
    assert first is not None
    return first.shape[0], min(max(_count(r"model\.features_(\d)\.", state), 2), 4)


def _count(pattern: str, state: State) -> int:
    """The highest number in the names plus one, so that an error can name a part that is missing in between."""
    numbers = [int(found[1]) for name in state if (found := re.match(pattern, name))]
    return min(max(numbers) + 1, _MOST_BRANCHES) if numbers else 0


def _group_sizes(path: Path, state: State, channels: int) -> list[int]:
    """The number of attributes in each group of a discriminator."""
    heads = [state.get(f"attr_branches.{k}.bias") for k in range(_count(r"attr_branches\.(\d{1,2})\.", state))]
    sizes = [1 if head is None or head.ndim != 1 else len(head) for head in heads] or [1]
    with torch.device("meta"):
        network = Discriminator(channels, _SIDE, sizes)
    _matched(network, path, state, "discrim")
    return sizes


def _groups(attributes: tuple[str, ...], count: int, sizes: list[int] | None, path: Path) -> Groups:
    """The groups of the attributes; an error if they do not fit the checkpoint's groups."""
    groups = default_groups(attributes)
    if count == len(attributes) != len(groups):
        groups = tuple((name,) for name in attributes)  # trained with one branch for each attribute
    most = [len(attributes)] * count if sizes is None else sizes
    # A group may have fewer names than the checkpoint has heads; unnamed attributes are edited with their group.
    if not len(groups) == len(most) == count or any(
        len(group) > size for group, size in zip(groups, most, strict=True)
    ):
        has = f"{count} groups of attributes" + (f" with {', '.join(map(str, sizes))} each" if sizes else "")
        named = "; ".join(", ".join(group) for group in groups)
        raise UserError(f"{path} has {has}, but the attributes fall into {named}: name others (--attributes).")
    return groups
