"""What a model takes and gives through `infer`: names, types and shapes of tensors."""

from dataclasses import dataclass
from typing import Literal, get_args

Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]
"""The datatypes of the Open Inference Protocol that numpy can hold (BYTES as objects)."""

_DATATYPES: frozenset[str] = frozenset(get_args(Datatype))


@dataclass(frozen=True)
class Tensor:
    """One input or output: its name, its datatype and its shape, where -1 is any length.

    Raises ValueError with a sentence when one of the three makes no sense.
    """

    name: str
    datatype: Datatype
    shape: list[int]

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("A tensor needs a name.")
        if self.datatype not in _DATATYPES:
            known = ", ".join(sorted(_DATATYPES))
            raise ValueError(
                f"{self.datatype!r} is no datatype of tensor {self.name}: use {known}."
            )
        if any(length < -1 for length in self.shape):
            raise ValueError(
                f"The shape of tensor {self.name} may hold lengths from 0, and -1 for any length."
            )
