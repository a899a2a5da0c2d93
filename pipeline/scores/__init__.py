"""What candidates are ranked by: each score with the contributions of its examples, its words, and its floor.

May import floors, tasks and formats.
"""
