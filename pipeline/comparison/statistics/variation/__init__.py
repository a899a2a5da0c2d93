"""What makes a mean of contributions vary: which examples (groups, blocks of a series) were drawn, and which seeds.

May import nothing of this project.
"""
