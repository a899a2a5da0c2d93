"""How a network is trained: strategies as phases, kept activations, one fit loop."""
