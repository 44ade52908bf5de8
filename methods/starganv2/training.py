"""The training of StarGAN v2, with the official code's schedule."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bridgebench.methods.core.errors import UserError
from bridgebench.methods.starganv2 import objective
from bridgebench.methods.starganv2.editor import StarGANv2
from bridgebench.methods.starganv2.networks import Discriminator, Generator, MappingNetwork, StyleEncoder
from bridgebench.methods.starganv2.official import load_landmarks
from bridgebench.methods.starganv2.pairing import Pairing, draw_pairing
from bridgebench.methods.starganv2.recipe import StarGANv2Recipe
from bridgebench.methods.training.base import Batch, CountedTraining, descend

_LEARNING = ("generator", "mapping_network", "style_encoder")


class StarGANv2Training(CountedTraining[StarGANv2Recipe]):
    """The trained networks, their moving average (`editor`) and the optimizers; see `methods.training.base`.

    The average starts at the networks' initial weights (official: at other random weights, whose influence fades).

    Raises:
        UserError: sizes or an attribute that are not valid, or a high-pass skip without the landmark network's weights.
    """

    recipe_type = StarGANv2Recipe
    generator: Generator
    mapping_network: MappingNetwork
    style_encoder: StyleEncoder
    averages_itself = True

    def __init__(
        self, recipe: StarGANv2Recipe, attributes: Sequence[str], image_size: int, dataset_size: int, seed: int
    ) -> None:
        super().__init__(recipe)
        self.batch_size = recipe.batch_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.editor = StarGANv2(attributes=attributes, image_size=image_size, **recipe.editor_config())
            self.discriminator = Discriminator(
                self.editor.domains.count, image_size, self.editor.config["width"], recipe.widest
            )
        if self.editor.fan is not None:
            if not recipe.landmarks:
                raise UserError(
                    "StarGAN v2 with a high_pass needs the weights of its landmark network: give landmarks = "
                    '"wing.ckpt" in [train.starganv2], or high_pass = 0.'
                )
            self.editor.fan.load_state_dict(load_landmarks(recipe.landmarks))
        for name in _LEARNING:
            self.add_module(name, copy.deepcopy(self.editor.get_submodule(name)))
        self.editor.requires_grad_(False)
        self.to(memory_format=torch.channels_last)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(
                self.get_submodule(name).parameters(),
                recipe.mapping_learning_rate if name == "mapping_network" else recipe.learning_rate,
                recipe.betas,
                weight_decay=recipe.weight_decay,
                fused=True,
            )
            for name in (*_LEARNING, "discriminator")
        }

    def step(self, next_batch: Callable[[], Batch], generator: torch.Generator) -> dict[str, Tensor]:
        """Two updates of D, then two of G (each by noise, then by reference), all on the same drawn inputs."""
        recipe = self.recipe
        pairing = draw_pairing(next_batch, self.editor.domains, recipe.noise_size, recipe.crop, recipe.flip, generator)
        return self.iterate(pairing.ours())

    def iterate(self, pairing: Pairing) -> dict[str, Tensor]:
        """One iteration on the inputs from `draw_pairing`. Returns the loss terms before each update, detached."""
        # Updates of D do not change G: the first update of G reuses the first edits, and both edits share one encoding.
        by_noise = self.edit(pairing, "noise")
        logs = self.discriminator_step(pairing, "noise", by_noise.edited.detach())
        with torch.no_grad():
            by_reference = self.edit(pairing, "reference", by_noise)
        logs |= self.discriminator_step(pairing, "reference", by_reference.edited)
        logs |= self.generator_step(pairing, "noise", by_noise)
        del by_noise, by_reference
        logs |= self.generator_step(pairing, "reference", self.edit(pairing, "reference"))
        self._average()
        self.iteration += 1
        return logs

    def edit(self, pairing: Pairing, by: str, like: objective.Edit | None = None) -> objective.Edit:
        """Edits with the first style, by ``"noise"`` or ``"reference"``; `like`: take its masks and encoding."""
        images = pairing.given.images
        with self.autocast(images):
            style = self.style(pairing, by, 0)
            masks = self.editor.masks(images) if like is None else like.masks
            encoded = self.generator.encode_images(images) if like is None else like.encoded
            return objective.Edit(style, masks, encoded, self.generator.decode_with(encoded, style, masks))

    def discriminator_step(self, pairing: Pairing, by: str, fake: Tensor) -> dict[str, Tensor]:
        """One update of D on `fake`, the edits that `edit` made, without their graph; `by` as in `edit`."""
        images = pairing.given.images
        penalized = self.iteration % self.recipe.penalty_every == 0
        with self.autocast(images):
            terms = objective.discriminator_terms(self.discriminator, pairing.given, fake, penalized=penalized)
        # A penalty that is computed only in every k-th iteration gets k times the weight.
        scaled = terms | ({"penalty": self.recipe.penalty_every * terms["penalty"]} if penalized else {})
        total = objective.discriminator_total(scaled, self.recipe.weights)
        return self._descend(f"discriminator/{by}", total, terms, ("discriminator",))

    def generator_step(self, pairing: Pairing, by: str, edit: objective.Edit) -> dict[str, Tensor]:
        """One update of G, F and E by noise, or of G alone by reference (as in the official code)."""
        networks = self.generator, self.style_encoder, self.discriminator
        with torch.no_grad(), self.autocast(pairing.given.images):
            other = self.style(pairing, by, 1)
        # A new autocast context: the old one would reuse the weights that it cast without gradients.
        with self.autocast(pairing.given.images):
            terms = objective.generator_terms(*networks, pairing.given, edit, other, self.editor.masks)
        diversity = self.recipe.diversity_at(self.iteration)
        total = objective.generator_total(terms, self.recipe.weights, diversity)
        return self._descend(f"generator/{by}", total, terms, _LEARNING if by == "noise" else ("generator",))

    def style(self, pairing: Pairing, by: str, which: int) -> Tensor:
        """The first (0) or second (1) style of the target domains, from F (noise) or from E (reference)."""
        if by == "noise":
            return self.mapping_network(pairing.noises[which], pairing.given.targets)
        return self.style_encoder(pairing.references[which], pairing.given.targets)

    def _descend(self, name: str, total: Tensor, terms: objective.Terms, stepping: Sequence[str]) -> dict[str, Tensor]:
        # The parameters are listed so that no gradients are computed for networks that are not updated.
        parameters = [p for network in stepping for p in self.get_submodule(network).parameters()]
        descend(total, [self.optimizers[network] for network in stepping], parameters)
        return {f"{name}/{term}": value.detach() for term, value in terms.items()} | {f"{name}/total": total.detach()}

    @torch.no_grad()
    def _average(self) -> None:
        for name in _LEARNING:
            kept: list[Tensor] = [*self.editor.get_submodule(name).parameters()]
            new: list[Tensor] = [*self.get_submodule(name).parameters()]
            torch._foreach_lerp_(kept, new, 1 - self.recipe.ema)
