import { describe, expect, it } from "vitest";
import { WireViolation } from "../../daemon/errors.ts";
import { ConnectionState, type WireRequest } from "../../daemon/wire/connection-state.ts";
import { parseWorkerMessage } from "../../daemon/wire/messages.ts";
import { type ConversationVector, conversationVectors } from "./vectors.ts";

type Step = ConversationVector["steps"][number];

/** Plays one step of a conversation on the daemon's state; ids are the state's own, so those of a vector are mapped to them. */
class Player {
  private readonly state = new ConnectionState<WireRequest>();
  private readonly ids = new Map<unknown, number>();

  play({ from, message }: Step): void {
    if (from === "worker") this.receive(message);
    else this.send(message);
  }

  get phase() {
    return this.state.phase;
  }

  private receive(message: Step["message"]): void {
    const isAnswer = ["result", "error", "start", "chunk", "end"].includes(message.type);
    const frame = isAnswer ? { ...message, id: this.ids.get(message.id) ?? message.id } : message;
    this.state.receive(parseWorkerMessage(frame, []));
  }

  private send(message: Step["message"]): void {
    switch (message.type) {
      case "hello":
        this.state.sendHello();
        return;
      case "infer": {
        const request = { stream: message.stream === true, credit: Number(message.credit), nextSeq: undefined };
        this.ids.set(message.id, this.state.sendInfer(request));
        return;
      }
      case "cancel":
        this.state.sendCancel(this.ids.get(message.id) ?? Number(message.id));
        return;
      case "credit":
        this.state.sendCredit(this.ids.get(message.id) ?? Number(message.id), Number(message.n));
        return;
      case "ping":
        this.state.sendPing();
        return;
      case "check":
        this.state.sendCheck();
        return;
      case "drain":
        this.state.sendDrain();
        return;
    }
  }
}

/** Ids of ours rise by themselves and pings are numbered from 1: a vector about the daemon's own ids is the worker's to refuse. */
const ABOUT_THE_DAEMONS_IDS =
  /an id used again|an id that falls|a ping's id used again|a check's id used again|pings are answered in order/;

const playable = conversationVectors.filter(({ name }) => !ABOUT_THE_DAEMONS_IDS.test(name));

describe("ConnectionState on the golden conversations", () => {
  it.each(playable)("$name", ({ steps, violation }) => {
    const player = new Player();
    steps.forEach((step, index) => {
      if (index !== violation?.step) {
        player.play(step);
        return;
      }
      expect(() => player.play(step)).toThrow(expect.objectContaining({ code: violation.code }));
    });
  });

  it("keeps enough vectors to say something of every message", () => {
    expect(playable.length).toBeGreaterThan(50);
    const types = new Set(playable.flatMap(({ steps }) => steps.map(({ message }) => message.type)));
    expect([...types].sort()).toEqual([
      "cancel",
      "check",
      "chunk",
      "credit",
      "drain",
      "end",
      "error",
      "failed",
      "health",
      "hello",
      "infer",
      "ping",
      "pong",
      "ready",
      "result",
      "start",
    ]);
  });
});

const HELLO = { type: "hello", protocol: 1, nonce: "", pid: 1, sdk: "" } as const;
const READY = { type: "ready", name: "m", methods: [], inputs: [], outputs: [], maxBatch: 4, concurrency: 1 } as const;

function readyState(): ConnectionState<WireRequest> {
  const state = new ConnectionState<WireRequest>();
  state.sendHello();
  state.receive(HELLO);
  state.receive(READY);
  return state;
}

describe("ConnectionState", () => {
  it("gives ids that rise and never come again", () => {
    const state = readyState();
    const first = state.sendInfer({ stream: false, credit: 0, nextSeq: undefined });
    state.receive({ type: "error", id: first, code: "X", message: "" });
    const second = state.sendInfer({ stream: false, credit: 0, nextSeq: undefined });
    expect(second).toBeGreaterThan(first);
  });

  it("gives back at its end what the worker still owed, in the order it was sent", () => {
    const state = readyState();
    const requests = [1, 2, 3].map(() => ({ stream: false, credit: 0, nextSeq: undefined }));
    const ids = requests.map((request) => state.sendInfer(request));
    state.receive({ type: "error", id: ids[1] ?? 0, code: "X", message: "" });
    expect(state.close()).toEqual([requests[0], requests[2]]);
    expect([state.inFlight, state.phase]).toEqual([0, "closed"]);
  });

  it("says which rule a message broke", () => {
    const state = readyState();
    expect(() => state.receive(READY)).toThrow(WireViolation);
    expect(() => state.receive(READY)).toThrow("ready comes once, after hello");
  });
});
