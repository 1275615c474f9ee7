"""Live traffic of a bus, readable and recordable; and what kind of broker answers at an address."""

from matahari.tap.filters import Filters, key_filter
from matahari.tap.opcodes import WORDS
from matahari.tap.probing import Finding, probe
from matahari.tap.run import TapOptions, run_tap

__all__ = ["WORDS", "Filters", "Finding", "TapOptions", "key_filter", "probe", "run_tap"]
