"""From bodies to what a model's method takes, and back: one module a protocol."""
