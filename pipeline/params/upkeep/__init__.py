"""Sections of params.yaml that change no result: no stage depends on this code. May import `params.reading` alone."""
