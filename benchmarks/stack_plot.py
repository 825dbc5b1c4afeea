"""Plot of many models: seconds of each operation by number of models, for the stack and kubectl."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.many import OPERATIONS, ManyModels
from benchmarks.plot import STYLE

_OURS, _KUBECTL = "#0072b2", "#e69f00"


def plot(many: Sequence[ManyModels], file: Path) -> None:
    """Draw one column for each operation, both axes logarithmic."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3), layout="constrained")
        for axes, what in zip(figure.subplots(1, len(OPERATIONS), sharey=True), OPERATIONS, strict=True):
            numbers = [each.models for each in many]
            axes.plot(numbers, [median(each.ours[what]) for each in many], "o-", color=_OURS, label="stack")
            by_hand = [(each.models, median(each.kubectl[what])) for each in many if what in each.kubectl]
            axes.plot([x for x, _ in by_hand], [y for _, y in by_hand], "s-", color=_KUBECTL, label="kubectl")
            axes.set(title=what, xscale="log", yscale="log", xlabel="models")
            axes.set_xticks(numbers, [f"{number:,}" for number in numbers])
            axes.minorticks_off()
        figure.axes[0].set_ylabel("seconds")
        figure.axes[0].legend(frameon=False)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
