"""How running work learns that nobody waits for it any more."""

from contextvars import ContextVar


class CancelScope:
    """One call's flag: whoever runs the call sets it, the work in the call reads it."""

    # The class's, not each one's: hardly any is ever set, and one is made for every call.
    cancelled = False


current_scope: ContextVar[CancelScope | None] = ContextVar("gatehouse_cancel_scope", default=None)


def cancelled() -> bool:
    """Whether every caller of the running call has left or passed their deadline.

    Long work asks between its steps and returns early; what it returns then is dropped. Sync work
    that does not ask is interrupted a moment later by `Cancelled`. Outside a call the answer is
    False. A thread that the model starts sees the flag only when it runs in a copy of the call's
    context (`contextvars.copy_context().run`).
    """
    scope = current_scope.get()
    return scope is not None and scope.cancelled
