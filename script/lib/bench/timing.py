"""Ways of doing the same thing, taken in turns, so that a noisy machine is noisy for all of them."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Way:
    """One way: ``run`` does it once per item; ``seconds`` gathers a list per round."""

    name: str
    run: Callable
    rounds: list[list[float]] = field(default_factory=list)

    @property
    def totals(self) -> list[float]:
        return [sum(one) for one in self.rounds]

    def percentile(self, share: float) -> float:
        every = sorted(second for one in self.rounds for second in one)
        return every[min(len(every) - 1, int(share * len(every)))]


def interleave(ways: dict[str, Callable], items: list, rounds: int = 5) -> dict[str, Way]:
    """Do every item in every way, ``rounds`` times, the ways in turns; one round before is not counted."""
    made = {name: Way(name, run) for name, run in ways.items()}
    for number in range(rounds + 1):
        for way in made.values():
            taken = []
            for item in items:
                begun = time.perf_counter()
                way.run(item)
                taken.append(time.perf_counter() - begun)
            if number:
                way.rounds.append(taken)
    return made


def ratio(one: Way, other: Way) -> str:
    """How many times as fast ``one`` is as ``other``: median of the rounds' ratios, least and most."""
    every = sorted(b / a for a, b in zip(one.totals, other.totals, strict=True))
    return f"{statistics.median(every):.2f} ({every[0]:.2f}-{every[-1]:.2f})"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f}" if seconds < 0.1 else f"{seconds * 1000:.0f}"


def table(title: str, head: list[str], rows: list[list]) -> str:
    """A Markdown table under a heading."""
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
