/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Time as the daemon's parts see it: passed in, so that tests can pass a clock of their own. */
export interface Clock {
  /** Milliseconds that never go back, from an arbitrary start. */
  now(): number;
  /** Calls `action` once, at least `delayMs` milliseconds from now. */
  after(delayMs: number, action: () => void): Timer;
}

class NodeTimer implements Timer {
  constructor(private readonly handle: NodeJS.Timeout) {}

  cancel(): void {
    clearTimeout(this.handle);
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, action) => new NodeTimer(setTimeout(action, delayMs)),
};
