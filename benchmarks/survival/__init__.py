"""What `python -m benchmarks.survive` does to whole runs: kills, faults of the machine, many at once."""
