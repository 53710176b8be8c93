"""Runs the model, away from the I/O thread: what waits, what runs, how it is cancelled."""
