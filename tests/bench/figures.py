"""What was measured: printed as it comes, and kept for a file of JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Figures", "Run", "percentile"]

#: One run: calls per second, and the latency of each call in seconds.
Run = tuple[float, list[float]]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Figures:
    """Sections of named figures; milliseconds, calls per second, MiB, and ratios as the names say."""

    def __init__(self) -> None:
        self._sections: dict[str, dict[str, object]] = {}
        self._section: dict[str, object] = {}

    def section(self, key: str, title: str) -> None:
        """Begin a part of the measurements."""
        print(f"\n{title}", flush=True)
        self._section = self._sections.setdefault(key, {})

    def note(self, key: str, text: str, **numbers: float) -> None:
        """Print a line, and keep its numbers."""
        print(f"  {text}", flush=True)
        self._section[key] = {name: round(value, 4) for name, value in numbers.items()}

    def calls(
        self, key: str, name: str, in_flight: int, runs: Sequence[Run], base: Sequence[Run] | None = None
    ) -> None:
        """Medians over the rounds; the ratio of the p50s to those of ``base`` is taken round by round."""
        numbers = {
            "rate": statistics.median(rate for rate, _ in runs),
            "p50_ms": statistics.median(statistics.median(run) for _, run in runs) * 1e3,
            "p99_ms": statistics.median(percentile(run, 0.99) for _, run in runs) * 1e3,
        }
        text = (
            f"{in_flight:2} in flight  {name:34} {numbers['rate']:6.0f} /s   p50 {numbers['p50_ms']:6.2f} ms"
            f"   p99 {numbers['p99_ms']:6.2f} ms"
        )
        if base is not None:
            pairs = zip(runs, base, strict=True)
            ratios = [statistics.median(ours) / statistics.median(bare) for (_, ours), (_, bare) in pairs]
            numbers["ratio"] = statistics.median(ratios)
            numbers["ratio_least"], numbers["ratio_most"] = min(ratios), max(ratios)
            text += f"   {numbers['ratio']:.2f} x bare ({min(ratios):.2f} to {max(ratios):.2f})"
        self.note(f"{key}_{in_flight}", text, **numbers)

    def ratio(self, key: str, name: str, in_flight: int, runs: Sequence[Run], base: Sequence[Run]) -> None:
        """The p50s of one against those of another, round by round."""
        pairs = list(zip(runs, base, strict=True))
        differences = [statistics.median(one) - statistics.median(other) for (_, one), (_, other) in pairs]
        ratio = statistics.median(statistics.median(one) / statistics.median(other) for (_, one), (_, other) in pairs)
        extra = statistics.median(differences) * 1e3
        text = f"{in_flight:2} in flight  {name}: {ratio:.2f} times the p50, {extra:+.2f} ms"
        self.note(f"{key}_{in_flight}", text, ratio=ratio, extra_ms=extra)

    def save(self, path: Path) -> None:
        """Write all as JSON."""
        path.write_text(json.dumps(self._sections, indent=2) + "\n")
