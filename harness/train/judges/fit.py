"""Training of a network of the evaluation: steps, a validation per epoch, the best state so far, and checkpoints."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.reading import read
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.processes.stopping import Stopped, StopRequest
from bridgebench.harness.train.checkpoint import Progress, damaged, read_state, write_state
from bridgebench.harness.train.curves import Curves
from bridgebench.harness.train.display import Display
from bridgebench.harness.train.health import LossGuard, check_networks
from bridgebench.harness.train.judges.corruption import corrupt
from bridgebench.harness.train.judges.recipe import CHANGEABLE, FitRecipe, JudgeRecipe
from bridgebench.harness.train.sampler import BatchSampler

_WARM_UP = 0.03  # share of the training steps or time
_CHECKPOINT_SECONDS = 60.0
_LOG_EVERY = 20
_STEADY = 0.02  # weight of the newest loss in the displayed running mean


@dataclass
class Best:
    """The state of the lowest validation loss so far, where it was found, and its figures on validation images."""

    loss: float = math.inf
    iteration: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    state: dict[str, Tensor] | None = None


class NetworkFit(ABC):
    """A network in training.

    Training ends after the recipe's epochs or after `seconds`, whichever comes first; the learning rate decays
    accordingly. A run that ends by epochs alone can be resumed from a checkpoint and gives exactly the same weights.

    Args:
        model: the model on its device; trained in place.
        recipe: the recipe.
        train, validation: the images and their labels.
        seed: seed of the order of the data and of all random draws.
        identity: what must match to resume the run, besides recipe, data and seed.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: FitRecipe,
        train: ImageSet,
        validation: ImageSet,
        seed: int,
        identity: Mapping[str, Any],
    ) -> None:
        self.model, self.recipe, self.validation, self.seed = model, recipe, validation, seed
        self.device = next(model.parameters()).device
        self.sampler = BatchSampler(train, min(recipe.batch_size, len(train.labels)), seed, self.device)
        self.generator = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.seconds: float | None = None
        self.progress, self.best, self.guard = Progress(total=self.total), Best(), LossGuard()
        self.losses: dict[str, float] = {}
        self._loss: Tensor | None = None
        kept = {key: value for key, value in asdict(recipe).items() if key not in CHANGEABLE}
        self.identity = {
            "recipe": kept,
            "data": train.digest,
            "validation": validation.digest,
            "seed": seed,
            **identity,
        }

    @abstractmethod
    def loss_of(self, images: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch of training images (N, 3, H, W) in [-1, 1], of which random changes are made first."""

    @abstractmethod
    def measure(self) -> dict[str, float]:
        """Figures of the model, in eval mode, on the validation images; "loss" is what the best state has least of."""

    @property
    def total(self) -> int | None:
        """The number of steps of the recipe; None if only the time limit ends the training."""
        epochs = self.recipe.epochs
        return None if epochs is None else epochs * self.sampler.batches_an_epoch

    @property
    def ended(self) -> str | None:
        """The reason why training has ended; None while it continues."""
        patience, since = self.recipe.patience, self.progress.iteration - self.best.iteration
        if patience is not None and self.best.state is not None and since >= patience * self.sampler.batches_an_epoch:
            return f"no lower validation loss for {patience} epochs"
        if self.total is not None and self.progress.iteration >= self.total:
            return "all epochs done"
        if self.seconds is not None and self.progress.seconds >= self.seconds:
            return "the time was up"
        return None

    def step(self) -> None:
        """Makes one training step; at the end of an epoch, also validates."""
        started, progress = time.perf_counter(), self.progress
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * _schedule(self._done())
        torch.manual_seed(self.seed + progress.iteration)  # stochastic depth draws from torch's own generator
        self.model.train()
        images, labels, _ = self.sampler.next_batch()
        loss = self.loss_of(images, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        progress.iteration += 1
        progress.images += len(images)
        self._loss = loss.detach().clone() if self._loss is None else self._loss.lerp_(loss.detach(), _STEADY)
        self.guard.watch({"loss": loss.detach()}, progress.iteration)
        if progress.iteration % self.sampler.batches_an_epoch == 0:
            self.validate()
        progress.seconds += time.perf_counter() - started

    def run(self, folder: Path, stretch: float | None) -> None:
        """Trains to the end, or for `stretch` seconds, with a checkpoint every minute and one at the end.

        Raises:
            UserError: training broke down.
            Stopped: a signal asked to stop; a checkpoint has been saved.
        """
        until = math.inf if stretch is None else time.monotonic() + stretch
        left = None if self.seconds is None else self.seconds - self.progress.seconds
        deadline = None if left is None else time.monotonic() + left
        saved = time.monotonic()
        with (
            StopRequest() as request,
            Display(self.total, self.progress, deadline, folder) as display,
        ):
            while self.ended is None and not request.number and time.monotonic() < until:
                self.step()
                if self.progress.iteration % _LOG_EVERY == 0:
                    display.show(self.progress, self.note())
                if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    self.save(folder)
                    saved = time.monotonic()
            self.save(folder)
            display.note(self.progress, self.ended is not None)
            if request.number:
                raise Stopped(
                    request.number, "stopped, and a checkpoint is saved; give the same command with --resume to go on."
                )
            if self.ended is not None:
                self.finish()

    def note(self) -> Mapping[str, float]:
        """Returns the newest losses and adds them to the curves of the card.

        Raises:
            UserError: a loss is not finite.
        """
        self.guard.check()
        if self._loss is not None:
            self.losses["loss"] = float(self._loss)
        self.progress.curves.note(self.progress.iteration, self.losses)
        return self.losses

    def validate(self) -> None:
        """Measures the model on the validation images; keeps the state if it is the best so far."""
        self.model.eval()
        figures = self.measure()
        self.losses |= {f"validation_{name}": value for name, value in figures.items()}
        if figures["loss"] < self.best.loss:
            state = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
            self.best = Best(figures["loss"], self.progress.iteration, figures, state)

    def finish(self) -> None:
        """Loads the best state into the model.

        Raises:
            UserError: training broke down.
        """
        self.guard.check()
        if self.progress.iteration % self.sampler.batches_an_epoch:
            self.validate()
        if self.best.state is not None:
            self.model.load_state_dict(self.best.state)
        self.model.eval()
        check_networks(self.model.state_dict(), self.progress.iteration)

    def save(self, folder: Path) -> None:
        """Writes a checkpoint, if all losses and weights are finite.

        Raises:
            UserError: a loss or a weight is not finite; the previous checkpoint is kept.
        """
        self.guard.check()
        check_networks(self.model.state_dict(), self.progress.iteration)
        state = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "position": self.sampler.position,
            "progress": asdict(self.progress),
            "best": vars(self.best),
            "losses": self.losses,
            "loss": self._loss,
            "seconds": self.seconds,
        }
        write_state(folder, state)

    def load(self, folder: Path) -> None:
        """Restores the checkpoint.

        Raises:
            UserError: there is no checkpoint, it is damaged, or it belongs to another recipe, data set or seed.
        """
        state = read_state(folder, self.identity)
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.generator.set_state(state["generator"])
            self.sampler.position = int(state["position"])
            spent = state["progress"]
            self.progress = Progress(**{**spent, "curves": Curves(**spent["curves"]), "total": self.total})
            self.best = Best(**state["best"])
            self.losses = dict(state["losses"])
            self._loss = None if state["loss"] is None else state["loss"].to(self.device)
            self.seconds = state["seconds"]
        except Exception as error:  # a damaged file may hold almost anything
            raise damaged(folder) from error

    def _done(self) -> float:
        """The completed share of the training, in [0, 1]."""
        shares = [0.0]
        if self.total is not None:
            shares.append(self.progress.iteration / self.total)
        if self.seconds is not None:
            shares.append(self.progress.seconds / self.seconds)
        return min(1.0, max(shares))


class JudgeFit(NetworkFit):
    """A classifier in training.

    Args:
        model, recipe, train, validation, seed, identity: see :class:`NetworkFit`. The labels may have more columns than
            the label space, one for each output of the model, with values in [0, 1].
        mirror: whether training images are mirrored at random.
    """

    def __init__(
        self,
        model: AttributeClassifier,
        recipe: JudgeRecipe,
        train: ImageSet,
        validation: ImageSet,
        seed: int,
        identity: Mapping[str, Any],
        mirror: bool = True,
    ) -> None:
        super().__init__(model, recipe, train, validation, seed, identity)
        self.classifier, self.judge_recipe, self.mirror = model, recipe, mirror

    def loss_of(self, images: Tensor, labels: Tensor) -> Tensor:
        """Binary cross entropy of all outputs on corrupted images."""
        images = corrupt(images, self.generator, self.judge_recipe.crop, self.mirror)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.model(images)
        return functional.binary_cross_entropy_with_logits(logits.float(), labels)

    def measure(self) -> dict[str, float]:
        """Loss and accuracy on the unchanged validation images."""
        truth = np.asarray(self.validation.labels)
        reading = read(self.classifier, self.validation.images)
        logits = reading.logits.astype(np.float64)
        columns = len(self.validation.attributes)
        right = reading.of(columns).seen(self.validation.space) == (truth[:, :columns] == 1)
        return {"loss": float((np.logaddexp(0, logits) - logits * truth).mean()), "accuracy": float(right.mean())}


def _schedule(progress: float) -> float:
    """Linear warm-up, then half a cosine down to 0."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))
