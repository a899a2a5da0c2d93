"""Times and sizes in words, and what a stage does in a few."""

from __future__ import annotations

from pipeline.operations.planning.expansion import Stage

GB, MB = 1e9, 1e6


def duration(seconds: float) -> str:
    """
    >>> duration(4.2), duration(75), duration(3600), duration(5400)
    ('4 s', '1 min', '1 h 00 min', '1 h 30 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def duration_range(low: float, high: float) -> str:
    """
    >>> duration_range(100, 400), duration_range(3000, 8000)
    ('2 to 7 min', '50 min to 2 h 13 min')
    """
    first, last = duration(low), duration(high)
    unit = first.rpartition(" ")[2]
    return f"{first.rpartition(' ')[0] if last.endswith(f' {unit}') and 'h' not in first + last else first} to {last}"


def size(count: float) -> str:
    """
    >>> size(2.04e9), size(188e6)
    ('2.0 GB', '188 MB')
    """
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / MB:.0f} MB"


def due_stages(number: int) -> str:
    """
    >>> due_stages(1), due_stages(3)
    ('1 stage is due', '3 stages are due')
    """
    return "1 stage is due" if number == 1 else f"{number} stages are due"


def action(stage: Stage) -> str:
    """What it does, to follow its name."""
    match stage.part:
        case "folders":
            return "create the output folders, or stop where they hold files of yours"
        case "fetch":
            return "get the source"
        case "prepare":
            return "read, check and split"
        case "weights":
            return "get pretrained weights"
        case "backbone":
            return "note which weights are meant"
        case "train":
            return "train"
        case "evaluate":
            return "evaluate"
        case "soup":
            return "average the seeds' weights"
        case _:
            return "rank, answer, write the report"
