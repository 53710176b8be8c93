"""Frames and messages of daemon/wire/PROTOCOL.md: pure bytes, no sockets."""
