"""`bridgebench weights reproduce`: repeats the first iterations of a weights file and compares losses with its card.

Another processor, torch version or number of processes or threads rounds differently, and in a GAN such differences
grow with every iteration. On the machine of the card, with the same numbers of both, the losses equal the card's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bridgebench.harness.processes.cores import cores
from bridgebench.harness.processes.stopping import Stopped
from bridgebench.harness.profiles.profile import Profile, load_profile, shipped_profiles
from bridgebench.harness.train.curves import FIRST, mean_of
from bridgebench.harness.weights.training_card import REPRODUCED, StoredLosses, TrainingCard, training_card, workers
from bridgebench.methods.core.errors import UserError
from bridgebench.methods.core.weights import header

if TYPE_CHECKING:
    from lightning.fabric import Fabric

TOLERANCE = 0.01  # as a share of the loss's size


class Deviation(NamedTuple):
    """The deviation of an iteration's losses from the card.

    Attributes:
        iteration: counted from 1.
        term: the loss term with the largest deviation.
        found, stored: the new value and the card's value of this term.
        share: their difference divided by the loss's size: the larger of the size of the stored value and the term's
            mean size over all stored values, so that a loss that crosses zero has a size there too.
    """

    iteration: int
    term: str
    found: float
    stored: float
    share: float

    @property
    def same(self) -> bool:
        """Whether the losses equal those of the card within TOLERANCE."""
        return self.share <= TOLERANCE


def reproduce(
    file: Path,
    *,
    iterations: int = FIRST,
    profile: str | None = None,
    data_root: Path | None = None,
    say: Callable[[str], Any] = print,
) -> bool:
    """Trains the first iterations of a weights file again, with the recipe and seed of its card.

    Args:
        file: weights that `bridgebench train` wrote.
        iterations: number of iterations. The card has the first hundred one by one, and means over stretches of all.
        profile: the profile that gives the data; by default the card's.
        data_root: folder of the data set, if it consists of photos.
        say: called with each line for the user.

    Returns:
        Whether every loss of every iteration equals the card's within TOLERANCE.

    Raises:
        UserError: no such file, a card without losses so early, other data than the card's, or a profile or
            recipe that this version does not take.
    """
    card = training_card(file)
    known = card.curves.known()
    count = min(iterations, known[-1])
    if known[0] > count:
        raise UserError(
            f"The card of {file} has its first losses at iteration {known[0]}: give --iterations {known[0]}."
        )
    if profile is None and card.profile not in shipped_profiles():
        raise UserError(
            f"{file} was trained by '{card.profile}', which is no shipped profile: give it as --profile FILE."
        )
    found = card.profile_of(header(file)["method"], load_profile(profile or card.profile))
    _check_images(card, found, data_root)
    say(f"The first {count} iterations of {file} are trained again (seed {card.seed}, {_by(card)}).")
    with tempfile.TemporaryDirectory(prefix="bridgebench-") as folder:
        again = first_deviations(card, found, count, Path(folder), data_root)
    different = [each for each in again if not each.same]
    if different:
        one = different[0]
        say(
            f"DIFFERENT from iteration {one.iteration:,} on: {one.term} is {one.found:.6g}, in the card "
            f"{one.stored:.6g}; trained at commit {card.code.get('git_commit')}, torch {card.packages.get('torch')}."
        )
        if one is not again[0]:
            say(
                "All before it are the same. Another processor or torch version rounds differently, and in a GAN such "
                "differences grow."
            )
    else:
        most, points = max(again, key=lambda each: each.share), "point" if len(again) == 1 else "points"
        say(
            f"same: at {len(again)} {points} no loss is farther from the card's than {100 * most.share:.2g} % "
            f"({most.term}, iteration {most.iteration:,})."
        )
    return not different


def first_deviations(
    card: TrainingCard, profile: Profile, count: int, folder: Path, data_root: Path | None = None
) -> list[Deviation]:
    """Trains `count` iterations by a profile that :meth:`TrainingCard.profile_of` made, and compares their losses.

    Returns:
        The largest deviation at each iteration of which the card has losses.

    Raises:
        UserError: other losses than the card's, or a recipe that this version does not take.
        Stopped: by a signal.
    """
    from bridgebench.harness.train.launch import launch

    work = partial(_train_again, card=card, profile=profile, count=count, folder=folder, data_root=data_root)
    stopped, found = launch(work, _processes(card))
    if stopped:
        raise Stopped(stopped)
    return found


def _check_images(card: TrainingCard, profile: Profile, data_root: Path | None) -> None:
    from bridgebench.harness.data.open import open_split

    digest = open_split(profile, "train", data_root).digest
    if digest != card.data.digest:
        raise UserError(
            f"The profile '{profile.name}' has other training images (digest {digest[:16]}) than those of the card "
            f"({card.data.digest[:16]}); --profile names another one."
        )


def _processes(card: TrainingCard) -> int:
    """The number of training processes: the card's number if each gets its own GPU (or core), else one.

    The card of a file from elsewhere may ask for any number.
    """
    import torch

    return card.processes if card.processes <= (torch.cuda.device_count() or cores()) else 1


def _threads(card: TrainingCard) -> int:
    """The number of threads per process: the card's number, but at most the number of cores."""
    return min(card.threads, cores())


def _by(card: TrainingCard) -> str:
    used = workers(_processes(card), _threads(card))
    if (_processes(card), _threads(card)) == (card.processes, card.threads):
        return used
    then = workers(card.processes, card.threads)
    return f"{used}: this machine is too small for the card's {then}, so rounding differs"


def _train_again(
    fabric: Fabric, *, card: TrainingCard, profile: Profile, count: int, folder: Path, data_root: Path | None
) -> tuple[int, list[Deviation]]:
    """Trains in this process (alone or one of several); returns the signal that stopped it (or 0) and deviations."""
    import torch

    from bridgebench.harness.train.loop import NOTE_EVERY, train_here

    one_by_one, points = card.curves.first.at(), card.curves.at()
    newest: dict[str, float] = {}
    notes: list[tuple[int, dict[str, float]]] = []
    found: list[Deviation] = []

    def compare(iteration: int, losses: Mapping[str, float]) -> bool:
        newest.update(losses)
        if iteration % NOTE_EVERY == 0:
            notes.append((iteration, dict(newest)))
        if iteration in one_by_one:
            found.append(_farthest(iteration, losses, one_by_one[iteration], card.curves.first))
        if iteration in points:
            found.append(_farthest(iteration, mean_of(notes)[1], points[iteration], card.curves))
            notes.clear()
        return iteration == count

    before = torch.get_num_threads()
    torch.set_num_threads(_threads(card))
    try:
        stopped = train_here(
            fabric, method=REPRODUCED, profile=profile, out=folder, seed=card.seed, data_root=data_root, watch=compare
        )
    finally:
        torch.set_num_threads(before)
    return stopped, found


def _farthest(
    iteration: int, losses: Mapping[str, float], stored: Mapping[str, float], curves: StoredLosses
) -> Deviation:
    if other := sorted(stored.keys() ^ losses.keys()):
        raise UserError(
            f"This version's training has other losses than the card's: '{other[0]}' is in one of them only."
        )
    deviations = []
    for term, value in stored.items():
        size, gap = max(abs(value), curves.size(term)), abs(losses[term] - value)
        deviations.append(Deviation(iteration, term, losses[term], value, gap / size if size else gap))
    return max(deviations, key=lambda each: each.share)
