"""Small deformations of images, drawn anew for every training batch."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["deform_images"]


def deform_images(
    x: Tensor,
    generator: torch.Generator,
    side: int,
    probability: float,
    rotation: float = 0.1,
    zoom: float = 0.1,
    move: float = 0.4,
    levels: int = 16,
) -> Tensor:
    """Turn, stretch and move images a little, each image with the given probability.

    Parameters
    ----------
    x : images [B, side * side] in [0, 1], row by row.
    generator : where the random numbers come from.
    rotation : largest angle, radians; zoom : largest change of the size, as a fraction;
    move : largest way in both directions, pixels. The edge that comes in is black.
    levels : pixels are rounded to multiples of 1 / levels, as those of the data are: a rate
        encoder floors, and would darken what lies between.
    """

    def symmetric(largest: float) -> Tensor:
        return (2 * torch.rand(len(x), generator=generator) - 1) * largest

    angle, size = symmetric(rotation), 1 + symmetric(zoom)
    dx, dy = symmetric(2 * move / side), symmetric(2 * move / side)  # an image spans -1 to 1
    top = torch.stack([size * torch.cos(angle), -torch.sin(angle), dx], dim=1)
    bottom = torch.stack([torch.sin(angle), size * torch.cos(angle), dy], dim=1)
    where = torch.nn.functional.affine_grid(
        torch.stack([top, bottom], dim=1), [len(x), 1, side, side], align_corners=False
    )
    images = torch.nn.functional.grid_sample(x.view(-1, 1, side, side), where, align_corners=False)
    rounded = (torch.round(images.view(len(x), -1) * levels) / levels).clamp(0, 1)
    chosen = torch.rand(len(x), generator=generator) < probability
    return torch.where(chosen[:, None], rounded, x)
