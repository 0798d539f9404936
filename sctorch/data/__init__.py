"""Datasets as Lightning data modules, one file each."""

from sctorch.data.arrays import ArrayData
from sctorch.data.augment import deform_images
from sctorch.data.digits import Digits
from sctorch.data.files import Arrays
from sctorch.data.jets import Jets
from sctorch.data.loaders import TensorBatches
from sctorch.data.mnist import MNIST
from sctorch.data.scaling import LinearScaling, NoScaling, QuantileScaling, from_dict, to_dict

__all__ = [
    "ArrayData", "Arrays", "Digits", "Jets", "LinearScaling", "MNIST", "NoScaling", "QuantileScaling", "TensorBatches",
    "deform_images", "from_dict", "to_dict",
]  # fmt: skip
