import { describe, expect, it } from "vitest";
import { passBody } from "../../../src/inference/pass-body.ts";

const bytes = new Uint8Array([1, 2, 3]);

/** A body of one chunk that then breaks with `cause`. */
function breaking(cause: Error): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    pull: (controller) => controller.error(cause),
  });
}

describe("passing a body on", () => {
  it("cuts the connection of a body that breaks before its reader could take it for whole", async () => {
    const cause = new Error("terminated");
    const events: unknown[] = [];
    const body = passBody(breaking(cause), {
      broken: (why) => events.push(why),
      breakOff: () => events.push("cut"),
    });
    const reader = body.getReader();
    expect(await reader.read()).toEqual({ done: false, value: bytes });
    await reader.read().then(() => events.push("end"));
    expect(events).toEqual([cause, "cut", "end"]);
  });

  it("errors a body that breaks where no connection can be cut", async () => {
    const cause = new Error("terminated");
    const body = passBody(breaking(cause), { broken: () => undefined, breakOff: undefined });
    await expect(new Response(body).text()).rejects.toBe(cause);
  });

  it("reads no chunk before it is asked for one, and lets go of a body that nobody reads on", async () => {
    const events: unknown[] = [];
    const source = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          events.push("read");
          controller.enqueue(bytes);
        },
        cancel: (reason) => void events.push(reason),
      },
      { highWaterMark: 0 },
    );
    const broken = (cause: unknown) => events.push(cause);
    const reader = passBody(source, { broken, breakOff: undefined }).getReader();
    await new Promise(setImmediate);
    expect(events).toEqual([]);
    await reader.read();
    await reader.cancel("enough");
    expect(events).toEqual(["read", "enough"]);
  });

  it("takes a reader who leaves while a chunk is awaited for no break", async () => {
    const events: unknown[] = [];
    const reader = passBody(new ReadableStream<Uint8Array>(), {
      broken: (cause) => events.push(cause),
      breakOff: () => events.push("cut"),
    }).getReader();
    const awaited = reader.read();
    await reader.cancel();
    expect(await awaited).toEqual({ done: true, value: undefined });
    expect(events).toEqual([]);
  });
});
