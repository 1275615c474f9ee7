"""Values of objects as their schema names and types them. Pure."""

from __future__ import annotations

from typing import Final

from matahari.qmf import Data, Schema, Value

__all__ = ["values_of"]

# The broker's agent calls the four values of a measurement otherwise than its schemas do (qmf2.md, quirk 18).
_MEASURED: Final = {"Count": "Samples", "Avg": "Average"}


def values_of(data: Data, schema: Schema) -> dict[str, Value]:
    """Values by property name, with text that foreign agents send as binary decoded."""
    values = data.decoded(schema)
    if all(one.name in values for one in schema.properties):
        return values
    declared = {one.name: one for one in schema.properties}
    for sent in list(values):
        for ending, meant in _MEASURED.items():
            name = sent.removesuffix(ending) + meant
            if sent.endswith(ending) and sent not in declared and name in declared and name not in values:
                values[name] = values.pop(sent)
    return values
