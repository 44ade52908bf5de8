"""Conversions: the cells of a data set of domains, named as StarGAN v2's code names them ("cat2dog"). NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from bridgebench.methods.core.errors import UserError, did_you_mean
from numpy.typing import NDArray


class Conversion(NamedTuple):
    """From the images of one domain to another; domains are the label columns."""

    source: str
    target: str

    @property
    def name(self) -> str:
        """What stands in records, folders and tables."""
        return f"{self.source}2{self.target}"


def conversions(domains: Sequence[str]) -> tuple[Conversion, ...]:
    """All of them, by target domain (the order of BridgeGAN's Table 3)."""
    return tuple(Conversion(source, target) for target in domains for source in domains if source != target)


def find_conversion(name: str, domains: Sequence[str]) -> Conversion:
    """The conversion of that name.

    Raises:
        UserError: there is none between these domains.
    """
    found = {conversion.name: conversion for conversion in conversions(domains)}
    if name not in found:
        raise UserError(f"There is no conversion '{name}' among {', '.join(found)}.{did_you_mean(name, list(found))}")
    return found[name]


def one_hot(domain: str, domains: Sequence[str], count: int) -> NDArray[np.uint8]:
    """The labels (count, A) of images of a domain: its column is 1, the others are 0."""
    labels = np.zeros((count, len(domains)), np.uint8)
    labels[:, list(domains).index(domain)] = 1
    return labels
