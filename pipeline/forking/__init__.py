"""Stages that start at once: forked from a process that has imported the libraries already.

May import mlflow_environment. What `multiprocessing` calls a fork server serves the functions of one program; here DVC
starts commands, each of which hands itself over.
"""
