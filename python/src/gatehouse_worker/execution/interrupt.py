"""An exception raised in another thread, the only way to stop sync Python code from outside.

It arrives between two bytecodes, so code in C (a sleep, a matrix product) is not stopped by it.
"""

import ctypes

from gatehouse import Cancelled


def interrupt_thread(thread_id: int) -> None:
    """Have Cancelled raised in a thread, soon."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), ctypes.py_object(Cancelled)
    )


def clear_interrupt(thread_id: int) -> None:
    """Take back an interrupt that has not arrived yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), None)
