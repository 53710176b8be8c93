import { Duplex } from "node:stream";
import { afterEach, expect, it, vi } from "vitest";
import { answerClientError } from "../../../daemon/http/client-error.ts";

afterEach(() => vi.useRealTimers());

it("closes the connection of what is no HTTP although its caller does not and nothing of it is read", () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const written: string[] = [];
  const socket = new Duplex({
    allowHalfOpen: true,
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  answerClientError(new Error("Parse Error"), socket, false);
  vi.advanceTimersByTime(500);
  expect([written[0]?.slice(0, 12), socket.destroyed]).toEqual(["HTTP/1.1 400", false]);
  vi.advanceTimersByTime(500);
  expect(socket.destroyed).toBe(true);
});
