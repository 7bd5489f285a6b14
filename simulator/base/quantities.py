"""Types of the numbers in user files, with their allowed ranges."""

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=1, le=1 << 20)]
Cycles = Annotated[int, Meta(ge=0, le=1 << 30)]
Rate = Annotated[float, Meta(gt=0, le=1e9)]
