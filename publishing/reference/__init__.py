"""Pages that follow from the code: every command, every key of params.yaml, every file that comes out."""
