"""What each scheduler wants to be told; operations/schedule.py writes it.

May import dvc_command.
"""
