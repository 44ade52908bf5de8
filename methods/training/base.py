"""What a trainable method hands to the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from bridgebench.methods.editor import Editor
from bridgebench.methods.training.parallel import average_gradients
from torch import Tensor, nn


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
    those of `optimizers`, the state of the generator given to `step` and the order of the data is all that decides how
    training goes on, so that a resumed run is the undisturbed one.

    A training that draws images which its networks never see has an attribute ``images_an_iteration`` besides: how many
    they see. The cards of all others count what was drawn.

    A training whose editor is a running average by itself, as its paper has it, has an attribute ``averages_itself``,
    True: the loop averages the others' (`methods.training.averaging`).

    Attributes:
        editor: the editor that learns; what is shown, measured and saved in the end.
        batch_size: images that `next_batch` should give.
        optimizers: by name; `step` steps them.
    """

    editor: Editor
    batch_size: int
    optimizers: dict[str, torch.optim.Optimizer]

    @property
    def total_iterations(self) -> int | None:
        """After how many iterations the recipe ends; None: never."""

    def state_dict(self) -> dict[str, Any]:
        """Networks and buffers, as ``nn.Module.state_dict``."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any:
        """As ``nn.Module.load_state_dict``."""

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> Mapping[str, float | Tensor]:
        """One iteration of the method's published training; draws all randomness from `generator`.

        Returns:
            What to log, by name: numbers or 0-d tensors without gradients (left on the device: no wait for a GPU).
            Terms that are not computed in every iteration may be absent.
        """


class FeatureNetwork(Protocol):
    """A trained network that a method looks through while it trains, e.g. for a perceptual loss.

    A training that needs one has an attribute ``feature_network``, the name of what it looks through, None as long as
    that is missing, and ``attach_features(network)``: the loop then lends it the profile's attribute classifier before
    the first step. What is lent is fixed: it is neither trained nor saved with the method.

    Attributes:
        name: what it is, for the training card; says exactly which weights.
    """

    name: str

    def fine(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] -> a map (N, C, h, w) that still shows where things are."""

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The same map and a deeper one (N, K, h', w') that shows what they are."""


class TimedRecipe(Protocol):
    """What `CountedTraining` asks of a recipe: its length, and ``"32"`` or ``"bf16"``."""

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
        """After how many iterations the recipe ends."""
        return self.recipe.iterations

    def get_extra_state(self) -> dict[str, int]:
        """The iteration, so that the state dict is all that a resumed run needs."""
        return {"iteration": self.iteration}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Puts back what `get_extra_state` gave."""
        self.iteration = state["iteration"]

    def autocast(self, images: Tensor) -> torch.autocast:
        """The context in which networks run on `images`: bfloat16 where the recipe says so."""
        return torch.autocast(images.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")


def descend(
    loss: Tensor | Iterable[Tensor],
    optimizers: Sequence[torch.optim.Optimizer],
    parameters: Iterable[nn.Parameter] | None = None,
) -> None:
    """One step down a loss; where several processes train, with the gradient of all of them.

    Args:
        loss: a scalar, of this process's part of the batch; or several, whose gradients add up: the graph of each is
            gone before the next one is asked for.
        optimizers: those that step.
        parameters: what gets gradients, which must be all that the optimizers hold; None: all that the loss depends on.
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
