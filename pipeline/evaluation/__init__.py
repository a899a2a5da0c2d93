"""What is measured on a trained candidate; one room for each kind of question.

May import the floors below.
"""
