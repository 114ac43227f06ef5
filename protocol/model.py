"""What every stored model is made of: its base, its bounded kinds of values, and its bytes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, lower-case hexadecimal."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that is safe in a path, a label and a file name: probe, chain, path, server."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Text = Annotated[str, Field(max_length=500)]


class Model(BaseModel):
    """Frozen, and an unknown key is an error: what is stored is exactly what is written here."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def encode(model: Model) -> bytes:
    """Return the model as one line of UTF-8 JSON without its newline: the bytes that are hashed."""
    return model.model_dump_json(by_alias=True).encode()
