"""Datasets as Lightning data modules, one file each."""

from sctorch.data.arrays import ArrayData
from sctorch.data.augment import deform_images
from sctorch.data.digits import Digits
from sctorch.data.loaders import TensorBatches

__all__ = ["ArrayData", "Digits", "TensorBatches", "deform_images"]
