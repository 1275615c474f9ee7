"""Filters: expressions that choose hosts by name, facts, labels, classes, plugins, agents and properties of objects.

Pure: a filter is read, written, and held against what is already known of a host. The language is in the guide.
"""

from matahari.filters.comparing import Truth
from matahari.filters.evaluating import Explanation
from matahari.filters.literals import UNITS
from matahari.filters.needs import Needs
from matahari.filters.parsing import KEYWORDS
from matahari.filters.patterns import MAX_PATTERN, MAX_SUBJECT, regex_matcher
from matahari.filters.selection import Filter, explain, format, needs, parse
from matahari.filters.subject import ObjectView, PluginView, Subject
from matahari.filters.tokens import MAX_LENGTH
from matahari.filters.tree import (
    DEFAULT_PACKAGE,
    MAX_DEPTH,
    MAX_VALUES,
    And,
    Compare,
    Exists,
    Expression,
    Glob,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    Name,
    NamedHost,
    Not,
    Number,
    Operator,
    Or,
    Pattern,
    Property,
    Regex,
    Source,
    Text,
)
from matahari.filters.versions import compare_versions, is_version

__all__ = [
    "DEFAULT_PACKAGE",
    "KEYWORDS",
    "MAX_DEPTH",
    "MAX_LENGTH",
    "MAX_PATTERN",
    "MAX_SUBJECT",
    "MAX_VALUES",
    "UNITS",
    "And",
    "Compare",
    "Exists",
    "Explanation",
    "Expression",
    "Filter",
    "Glob",
    "HasAgent",
    "HasPlugin",
    "In",
    "InClass",
    "Name",
    "NamedHost",
    "Needs",
    "Not",
    "Number",
    "ObjectView",
    "Operator",
    "Or",
    "Pattern",
    "PluginView",
    "Property",
    "Regex",
    "Source",
    "Subject",
    "Text",
    "Truth",
    "compare_versions",
    "explain",
    "format",
    "is_version",
    "needs",
    "parse",
    "regex_matcher",
]
