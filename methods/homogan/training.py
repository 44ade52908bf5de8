"""The training of HomoGAN: a warm-up, then up to four updates in each iteration, as in the official code.

The official code downloads a decoder that inverts VGG-19's features. The warm-up replaces this download.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.labels import LabelSpace
from bridgebench.methods.homogan import objective
from bridgebench.methods.homogan.editor import HomoGAN, groups_in
from bridgebench.methods.homogan.features import VggFeatures
from bridgebench.methods.homogan.networks import Discriminator, normalize
from bridgebench.methods.homogan.objective import Terms
from bridgebench.methods.homogan.recipe import HomoGANRecipe
from bridgebench.methods.training.base import Batch, CountedTraining, FeatureNetwork, descend, set_learning_rate
from bridgebench.methods.training.parallel import ours, processes

_VGG_WIDTH = 64


class Draws(NamedTuple):
    """The random draws of an iteration on N images.

    Attributes:
        order: (N,), a permutation: image i moves towards image order[i].
        strength: v, (N, branches) in [0, 1].
        mix: (N,) in [0, 1], the points between real and fake where the gradient penalty is computed.
    """

    order: Tensor
    strength: Tensor
    mix: Tensor


class View(NamedTuple):
    """A batch with its features from the encoder, the interpolator and the feature network.

    Attributes:
        images: normalized (N, 3, H, W).
        fine, coarse: the feature network's maps of the images.
        own, other, between: features (N, C, h, w) of the images and of their references, and interpolated features.
        labels, target: labels (N, A) of the images and of the interpolated features, with columns ordered by group.
        mix: as in `Draws`.
    """

    images: Tensor
    fine: Tensor
    coarse: Tensor
    own: Tensor
    other: Tensor
    between: Tensor
    labels: Tensor
    target: Tensor
    mix: Tensor


class HomoGANTraining(CountedTraining[HomoGANRecipe]):
    """The editor, discriminator, knowledge transform and optimizers; see :class:`methods.training.base.Training`.

    Args:
        recipe: sizes, weights, schedule.
        attributes: names of the label columns.
        image_size: side of the images in pixels: a power of two, so large that the features have sides of at least 4.
        dataset_size: number of training images; nothing depends on it.
        seed: seed of the initial weights.

    Raises:
        UserError: the image size or the groups do not fit, or the VGG-19 file cannot be read.
    """

    recipe_type = HomoGANRecipe
    features: FeatureNetwork | None = None
    branches: Tensor

    @classmethod
    def recipe_in(cls, recipe: HomoGANRecipe, space: LabelSpace) -> HomoGANRecipe:
        """The recipe with groups by the rules of the label space, unless it names its own; see `groups_in`."""
        return recipe if recipe.groups is not None else replace(recipe, groups=groups_in(space))

    def __init__(
        self, recipe: HomoGANRecipe, attributes: Sequence[str], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__(recipe)
        self.batch_size, self.seed = recipe.batch_size, seed
        side = image_size // 2**recipe.levels
        if side < 4 or image_size != side << recipe.levels or side & (side - 1):
            raise UserError(
                f"HomoGAN with {recipe.levels} levels is trained at powers of two from {4 << recipe.levels} pixels, "
                f"not at {image_size}."
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.editor = HomoGAN(
                attributes=attributes,
                image_size=image_size,
                width=recipe.width,
                levels=recipe.levels,
                groups=recipe.groups,
            )
            self.editor.encoder.draw()
            sizes = [len(group) for group in self.editor.groups]
            self.discriminator = Discriminator(self.editor.encoder.channels, side, sizes)
        self.pretrained = recipe.features is not None and recipe.width == _VGG_WIDTH
        if recipe.precision == "bf16":
            self.to(memory_format=torch.channels_last)
        self.register_buffer("branches", torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes)), False)
        moving = [*self.editor.encoder.parameters(), *self.editor.interpolator.parameters()]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "decoder": self._adam(self.editor.decoder.parameters(), recipe.decoder_betas),
            "discriminator": self._adam(self.discriminator.parameters(), recipe.betas),
            "encoder": self._adam(moving, recipe.betas),
        }
        if recipe.features is not None:
            vgg = VggFeatures(recipe.features)
            if self.pretrained:
                known = vgg.network.state_dict()
                self.editor.encoder.load_state_dict({name: known[name] for name in self.editor.encoder.state_dict()})
            self.attach_features(vgg)

    def _adam(self, parameters: Iterable[nn.Parameter], betas: tuple[float, float]) -> torch.optim.Adam:
        return torch.optim.Adam(parameters, self.recipe.learning_rate, betas, fused=True)

    @property
    def feature_network(self) -> str | None:
        """The name of the network that guides the encoder; None before `attach_features` is called."""
        return None if self.features is None else self.features.name

    def attach_features(self, features: FeatureNetwork) -> None:
        """Sets the network whose features guide the encoder; it is neither trained nor saved."""
        size, device = self.editor.image_size, next(self.editor.parameters()).device
        with torch.no_grad():
            _, coarse = features.maps(torch.zeros(1, 3, size, size, device=device))
        self.features = features
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed + 1)
            self.knowledge = nn.Conv2d(self.editor.encoder.channels, coarse.shape[1], 1).to(device)
        self.optimizers["knowledge"] = self._adam(self.knowledge.parameters(), self.recipe.decoder_betas)

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> dict[str, Tensor]:
        """One iteration, either of the warm-up or of the official schedule.

        Returns:
            The loss terms by name, before the updates; those of encoder and interpolator only if these are updated.

        Raises:
            UserError: no feature network was attached.
        """
        set_learning_rate(self.optimizers, self.recipe.rate_at(self.iteration))
        images, labels, _ = next_batch()
        if self.recipe.precision == "bf16":
            images = images.contiguous(memory_format=torch.channels_last)
        warm = self.iteration < self.recipe.warmup
        if warm:
            logs = self.warm_up(ours(images))
        else:
            moves = (self.iteration - self.recipe.warmup) % self.recipe.encoder_every == 0
            logs = self.update(
                self.look(images, labels, self.draw(len(images), generator, images.device), moves), moves
            )
        self.iteration += 1
        return {name: value.detach() for name, value in logs.items()}

    def draw(self, count: int, generator: torch.Generator, device: torch.device) -> Draws:
        """Draws the random numbers of an iteration on `count` images."""
        order = torch.randperm(count, generator=generator, device=generator.device)
        shape = (count, len(self.editor.groups) + 1)
        strength = torch.rand(shape, generator=generator, device=generator.device)
        mix = torch.rand(count, generator=generator, device=generator.device)
        return Draws(order.to(device), strength.to(device), mix.to(device))

    def warm_up(self, images: Tensor) -> Terms:
        """Trains the decoder to invert the encoder, and also the encoder if it did not start from VGG-19."""
        features = self.guide()
        with torch.no_grad(), self.autocast(images):
            fine, coarse = features.maps(images)
        pictures = normalize(images)
        with torch.set_grad_enabled(not self.pretrained), self.autocast(images):
            own = self.editor.encoder(pictures)[-1]
        with self.autocast(images):
            terms = objective.reconstruction_terms(self.editor.decoder(own), pictures, fine, features)
            terms["knowledge"] = objective.knowledge_term(self.knowledge, own, coarse)
        networks = [self.editor.decoder, self.knowledge] + ([] if self.pretrained else [self.editor.encoder])
        names = ["decoder", "knowledge"] + ([] if self.pretrained else ["encoder"])
        self._descend(names, networks, terms)
        return {f"decoder/{name}": value for name, value in terms.items()}

    def look(self, images: Tensor, labels: Tensor, draws: Draws, moves: bool) -> View:
        """Computes the features that all updates share, with gradients of encoder and interpolator if `moves`.

        If several processes train together, each sees its part of the images and the references of these images.
        """
        whole, strength = images, ours(draws.strength)
        labels = labels[:, list(self.editor.columns)]
        labels, others = ours(labels), ours(labels[draws.order])
        images = ours(images)
        with torch.no_grad(), self.autocast(images):
            fine, coarse = self.guide().maps(images)
        pictures = normalize(images)
        with torch.set_grad_enabled(moves), self.autocast(images):
            own = self.editor.encoder(pictures)[-1]
            if processes() == 1:
                other = own[draws.order]
            else:
                other = self.editor.encoder(normalize(ours(whole[draws.order])))[-1]
            between = self.editor.interpolator(own, other, strength)
        target = torch.lerp(labels, others, strength[:, self.branches])
        return View(pictures, fine, coarse, own, other, between, labels, target, ours(draws.mix))

    def update(self, view: View, moves: bool) -> Terms:
        """Updates decoder, discriminator and knowledge transform and, if `moves`, the encoder and the interpolator."""
        logs: Terms = {}
        parts: list[tuple[str, Callable[[View], Terms], list[nn.Module]]] = [
            ("decoder", self.decoder_terms, [self.editor.decoder]),
            ("discriminator", self.discriminator_terms, [self.discriminator]),
            ("knowledge", self.knowledge_terms, [self.knowledge]),
            ("encoder", self.encoder_terms, [self.editor.encoder, self.editor.interpolator]),
        ]
        for name, compute, networks in parts[: 4 if moves else 3]:
            terms = compute(view)
            self._descend([name], networks, terms)
            logs |= {f"{name}/{term}": value for term, value in terms.items()}
        return logs

    def decoder_terms(self, view: View) -> Terms:
        """The loss terms of the decoder."""
        # A new autocast context for each network: a shared one would reuse cast weights from before their update.
        with self.autocast(view.images):
            rebuilt = self.editor.decoder(view.own.detach())
            return objective.reconstruction_terms(rebuilt, view.images, view.fine, self.guide())

    def discriminator_terms(self, view: View) -> Terms:
        """The loss terms of the discriminator, in full precision because the penalty is differentiated twice."""
        real, fake = view.own.detach().float(), view.between.detach()
        return objective.discriminator_terms(
            self.discriminator, real, fake, view.labels, view.mix, self.recipe.classify
        )

    def knowledge_terms(self, view: View) -> Terms:
        """The loss term of the knowledge transform."""
        with self.autocast(view.images):
            return {"knowledge": objective.knowledge_term(self.knowledge, view.own.detach(), view.coarse)}

    def encoder_terms(self, view: View) -> Terms:
        """The loss terms of encoder and interpolator."""
        with self.autocast(view.images):
            judge, interpolator = self.discriminator, self.editor.interpolator
            terms = objective.encoder_terms(judge, interpolator, (view.own, view.other), view.between, view.target)
            rebuilt = self.editor.decoder(view.own)
            terms |= objective.reconstruction_terms(rebuilt, view.images, view.fine, self.guide())
            terms["knowledge"] = objective.knowledge_term(self.knowledge, view.own, view.coarse)
        return terms

    def guide(self) -> FeatureNetwork:
        """The feature network.

        Raises:
            UserError: no feature network was attached.
        """
        if self.features is None:
            raise UserError(
                "HomoGAN's training needs a feature network: name VGG-19's weights under 'features' in "
                "[train.homogan], or attach one."
            )
        return self.features

    def _descend(self, names: Iterable[str], networks: Iterable[nn.Module], terms: Terms) -> None:
        # With named parameters no gradients are computed for the weights of the other networks, which do not step.
        parameters = [parameter for network in networks for parameter in network.parameters()]
        descend(objective.total(terms, self.recipe.weights), [self.optimizers[name] for name in names], parameters)
