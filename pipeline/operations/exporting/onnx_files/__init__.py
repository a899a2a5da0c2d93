"""ONNX files: graphs that are put together of what libraries convert, and the pieces before, between and behind.

May import operations.exporting.faults, operations.exporting.interface, operations.exporting.network_answers,
operations.exporting.originals and the floors below.
"""
