"""From measurements to an answer: statistics, ranking, verdict, report."""
