"""Models of another registry as plain data, what becomes of them here, and what ours become there. Pure."""
