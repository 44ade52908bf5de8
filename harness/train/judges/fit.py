"""Training of a network of the evaluation: steps, a validation per epoch, the best state so far, and checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bridgebench.eval.judges.classifier import AttributeClassifier
from bridgebench.eval.judges.reading import read
from bridgebench.harness.data.base import ImageSet
from bridgebench.harness.train.checkpoint import Progress, damaged, read_state, write_state
from bridgebench.harness.train.curves import Curves
from bridgebench.harness.train.health import LossGuard, check_networks
from bridgebench.harness.train.judges.corruption import corrupt
from bridgebench.harness.train.judges.recipe import CHANGEABLE, JudgeRecipe
from bridgebench.harness.train.sampler import BatchSampler

_WARM_UP = 0.03  # share of the training steps or time
_STEADY = 0.02  # weight of the newest loss in the displayed running mean


@dataclass
class Best:
    """The state of the lowest validation loss so far, and where it was found."""

    loss: float = math.inf
    accuracy: float = 0.0
    iteration: int = 0
    state: dict[str, Tensor] | None = None


class JudgeFit:
    """A network in training.

    Training ends after the recipe's epochs or after `seconds`, whichever comes first; the learning rate decays
    accordingly. A run that ends by epochs alone can be resumed from a checkpoint and gives exactly the same weights.

    Args:
        model: the model on its device; trained in place.
        recipe: the recipe.
        train, validation: the images. Their labels may have more columns than the label space, one for each output of
            the model, with values in [0, 1].
        seed: seed of the order of the data and of all random draws.
        identity: what must match to resume the run, besides recipe, data and seed.
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
        self.model, self.recipe, self.validation, self.seed = model, recipe, validation, seed
        self.mirror = mirror
        self.device = next(model.parameters()).device
        self.sampler = BatchSampler(train, min(recipe.batch_size, len(train.labels)), seed, self.device)
        self.generator = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.seconds: float | None = None
        self.progress, self.best, self.guard = Progress(total=self.total), Best(), LossGuard()
        self.losses: dict[str, float] = {}
        self._loss = torch.tensor(math.log(2), device=self.device)
        kept = {key: value for key, value in asdict(recipe).items() if key not in CHANGEABLE}
        self.identity = {
            "recipe": kept,
            "data": train.digest,
            "validation": validation.digest,
            "seed": seed,
            **identity,
        }

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
        images = corrupt(images, self.generator, self.recipe.crop, self.mirror)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.model(images)
        loss = functional.binary_cross_entropy_with_logits(logits.float(), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        progress.iteration += 1
        progress.images += len(images)
        self._loss.lerp_(loss.detach(), _STEADY)
        self.guard.watch({"loss": loss.detach()}, progress.iteration)
        if progress.iteration % self.sampler.batches_an_epoch == 0:
            self.validate()
        progress.seconds += time.perf_counter() - started

    def note(self) -> Mapping[str, float]:
        """Returns the newest losses and adds them to the curves of the card.

        Raises:
            UserError: a loss is not finite.
        """
        self.guard.check()
        self.losses["loss"] = float(self._loss)
        self.progress.curves.note(self.progress.iteration, self.losses)
        return self.losses

    def validate(self) -> None:
        """Computes the loss on the unchanged validation images; keeps the state if it is the best so far."""
        self.model.eval()
        truth = np.asarray(self.validation.labels)
        reading = read(self.model, self.validation.images)
        logits = reading.logits.astype(np.float64)
        loss = float((np.logaddexp(0, logits) - logits * truth).mean())
        columns = len(self.validation.attributes)
        accuracy = float((reading.of(columns).seen(self.validation.space) == (truth[:, :columns] == 1)).mean())
        self.losses |= {"validation_loss": loss, "validation_accuracy": accuracy}
        if loss < self.best.loss:
            state = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
            self.best = Best(loss, accuracy, self.progress.iteration, state)

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
            self._loss = state["loss"].to(self.device)
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


def _schedule(progress: float) -> float:
    """Linear warm-up, then half a cosine down to 0."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))
