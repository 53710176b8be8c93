"""The version of the SDK; a worker tells it to the daemon in its `hello`."""

__version__ = "0.1.0"
