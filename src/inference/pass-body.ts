export interface PassBodyOptions {
  /** Told once, and why, when the body ends before it is whole. */
  readonly broken: (cause: unknown) => void;
  /** Cuts the reader's connection. Where there is none, the body is errored, and the runtime breaks it off in its own way. */
  readonly breakOff: (() => void) | undefined;
}

/** Passes a body on, chunk by chunk and no faster than it is read. One that breaks never looks whole to its reader. */
export function passBody(
  body: ReadableStream<Uint8Array>,
  { broken, breakOff }: PassBodyOptions,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    let piece: ReadableStreamReadResult<Uint8Array>;
    try {
      piece = await reader.read();
    } catch (cause) {
      broken(cause);
      if (breakOff === undefined) throw cause;
      // In this order: with the connection cut, the end of the body reaches nobody.
      breakOff();
      controller.close();
      return;
    }
    if (piece.done) controller.close();
    else controller.enqueue(piece.value);
  };
  return new ReadableStream({ pull, cancel: (reason) => reader.cancel(reason) }, { highWaterMark: 0 });
}
