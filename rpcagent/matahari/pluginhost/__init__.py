"""The Python plugin host: a warm parent and the workers it forks.

What is exported here serves whoever wants to look at a plugin without running a worker.
"""

from __future__ import annotations

from .describe import DeclarationError, describe
from .exports import ExportError, exported
from .hints import seems_typed
from .loading import MAX_SOURCE, NAMESPACE, Sources, import_plugin, python_files, source_files

__all__ = [
    "MAX_SOURCE",
    "NAMESPACE",
    "DeclarationError",
    "ExportError",
    "Sources",
    "describe",
    "exported",
    "import_plugin",
    "python_files",
    "seems_typed",
    "source_files",
]
