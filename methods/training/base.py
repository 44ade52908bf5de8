"""The interface between a method that is trained and the training loop, and what most trainings share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from bridgebench.methods.editor import Editor
from bridgebench.methods.training.parallel import average_gradients


class Batch(NamedTuple):
    """Training images with their labels.

    Attributes:
        images: (N, 3, H, W) float32 in [-1, 1].
        labels: (N, A) float32 in {0, 1}.
        indices: (N,) int64, the images' places in the training set (for what a method remembers of each image).
    """

    images: Tensor
    labels: Tensor
    indices: Tensor


class Training(Protocol):
    """A method in training: an ``nn.Module`` that `methods.start_training` makes.

    Its class is named on the method's card, has an attribute ``recipe_type`` (a dataclass whose fields are the keys of
    a profile's ``[train.<method>]`` table), and is called with:

    * recipe: an instance of ``recipe_type``;
    * attributes: the names of the label columns;
    * image_size: the side of the training images, in pixels;
    * dataset_size: the number of training images;
    * seed: of the initial weights.

    `seed` decides the initial weights. The module's ``state_dict()`` (which holds the iteration too) together with
    those of `optimizers`, the state of the generator given to `step` and the order of the data decide alone how
    training goes on: a resumed run gives the same numbers as one that was not interrupted.

    A class method is optional: ``recipe_in(recipe, space)`` gives the recipe for a label space, for a method whose
    default recipe knows attributes by their names.

    Two attributes are optional. ``images_an_iteration``: how many images the networks see in an iteration, for a
    training that draws more images than it uses (else all drawn images count). ``averages_itself``, True: the editor is
    a running average already, as in the method's paper, so that the loop does not average it once more
    (`methods.training.averaging`).

    Attributes:
        editor: the editor that learns, which is shown, measured and saved.
        batch_size: images that `next_batch` should give.
        optimizers: by name; `step` steps them.
    """

    editor: Editor
    batch_size: int
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def total_iterations(self) -> int | None:
        """The number of iterations of the recipe; None: without end."""

    def state_dict(self) -> dict[str, Any]:
        """Networks and buffers, as ``nn.Module.state_dict``."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any:
        """Loads what `state_dict` gave, as ``nn.Module.load_state_dict`` does."""

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> Mapping[str, float | Tensor]:
        """One iteration of the method's published training; draws all randomness from `generator`.

        Returns:
            The losses to log, by name: numbers, or 0-d tensors without gradients (left on the device, so that nobody
            waits for a GPU). Terms that are not computed in every iteration may be absent.
        """


class FeatureNetwork(Protocol):
    """A trained network that a method looks through while it trains, e.g. for a perceptual loss.

    A training that needs such a network has an attribute ``feature_network`` (the network's name, None as long as there
    is none) and a method ``attach_features(network)``. The loop then attaches the profile's guide, an attribute
    classifier that judges nothing, before the first step. The attached network is fixed: it is neither trained nor
    saved with the method.

    Attributes:
        name: for the training card: which network, with exactly which weights.
    """

    name: str

    def fine(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] -> a map (N, C, h, w) that still shows where things lie."""

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images -> the map that `fine` gives, and a deeper map (N, K, h', w') that shows what is in the images."""


class TimedRecipe(Protocol):
    """A recipe that `CountedTraining` takes: with a number of iterations, and a precision ``"32"`` or ``"bf16"``."""

    @property
    def iterations(self) -> int: ...

    @property
    def precision(self) -> str: ...


Recipe = TypeVar("Recipe", bound=TimedRecipe)


class CountedTraining(nn.Module, Generic[Recipe]):
    """A training that counts its iterations as part of its state dict, and may compute in bfloat16.

    Args:
        recipe: how to train.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.iteration = 0

    @property
    def total_iterations(self) -> int | None:
        """The number of iterations of the recipe."""
        return self.recipe.iterations

    def get_extra_state(self) -> dict[str, int]:
        """The iteration, which thereby becomes a part of the state dict."""
        return {"iteration": self.iteration}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Restores what `get_extra_state` gave."""
        self.iteration = state["iteration"]

    def autocast(self, images: Tensor) -> torch.autocast:
        """The context in which networks run on `images`: bfloat16 where the recipe says so."""
        return torch.autocast(images.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")


def descend(
    loss: Tensor | Iterable[Tensor],
    optimizers: Sequence[torch.optim.Optimizer],
    parameters: Iterable[nn.Parameter] | None = None,
) -> None:
    """One optimizer step on a loss; if several processes train, with the mean of their gradients.

    Args:
        loss: the scalar loss of this process's part of the batch; or several losses, whose gradients add up (the graph
            of each is freed before the next loss is computed).
        optimizers: the optimizers that step.
        parameters: the parameters that get gradients, which must include all of the optimizers' parameters; None: all
            parameters that the loss depends on.
    """
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    inputs = None if parameters is None else list(parameters)
    for part in [loss] if isinstance(loss, Tensor) else loss:
        part.backward(inputs=inputs)
    for optimizer in optimizers:
        average_gradients(parameter for group in optimizer.param_groups for parameter in group["params"])
        optimizer.step()


def set_learning_rate(optimizers: Mapping[str, torch.optim.Optimizer], rate: float) -> None:
    """Gives every optimizer the learning rate of the iteration that begins."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate


def flip_at_random(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirrors each image (N, 3, H, W) with probability 0.5, the one augmentation of the face editing papers."""
    draw = torch.rand(len(images), generator=generator, device=generator.device) < 0.5
    return torch.where(draw.to(images.device).view(-1, 1, 1, 1), images.flip(3), images)


def uniform(count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """(count,) draws from U(0, 1) on `device`, the same ones whatever that device is."""
    return torch.rand(count, generator=generator, device=generator.device).to(device)
