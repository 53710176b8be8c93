"""The process that runs one model: `python -m gatehouse_worker`, started by the daemon.

The rooms: `wire` is bytes and messages, without sockets; `codecs` turn bodies into what a model
takes and back; `execution` runs the model on its own thread; the rest joins them.
"""
