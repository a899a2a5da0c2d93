"""Parts that several stages are put together from."""
