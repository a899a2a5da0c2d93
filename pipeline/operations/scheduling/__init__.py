"""What each scheduler wants to be told; operations/schedule.py writes it."""
