import type { Socket } from "node:net";
import { ANSWER_TIMEOUT_MS } from "../driver.ts";
import type { PgliteBackend } from "./backend.ts";
import type { Conversations } from "./conversations.ts";
import type { EndTurn } from "./exclusive-turns.ts";
import {
  type FrontendMessage,
  FrontendReader,
  fatalMessage,
  queryMessage,
  type SpecialMessage,
  SYNC,
  startupParameter,
  wantsAnswer,
} from "./messages.ts";

/**
 * The `application_name` of the process that owns the folder. It goes before others, who are cut off rather than let it wait, and
 * is trusted to end its transactions; only its user can connect at all.
 */
export const OWNER = "gatehouse-owner";

/** Answers that a client has not read yet; beyond it the client is cut off. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** End whatever a client left half said. */
const ENDS_TURN = [SYNC, queryMessage("rollback")];

export interface PgliteClientOptions {
  readonly socket: Socket;
  readonly backend: PgliteBackend;
  readonly conversations: Pick<Conversations, "hasRoomForStranger">;
  /** Time until its start-up message is there. */
  readonly startupTimeoutMs: number;
  readonly onTurnEnded: () => void;
}

/** One conversation in Postgres' protocol. It has a turn on the backend from a statement until it is idle again. */
export class PgliteClient {
  /** Undefined until it has said who it is. */
  speaker: "owner" | "stranger" | undefined;
  private endTurn: EndTurn | undefined;
  private readonly left = new AbortController();

  constructor(private readonly options: PgliteClientOptions) {}

  /** Answers until the client leaves or is cut off, and leaves the backend idle. */
  async converse(): Promise<void> {
    const { socket, startupTimeoutMs } = this.options;
    socket.once("close", () => this.left.abort());
    const tooLate = setTimeout(() => {
      if (this.speaker === undefined) socket.destroy();
    }, startupTimeoutMs);
    try {
      const reader = new FrontendReader();
      for await (const chunk of socket) {
        if (!(await this.receive([...reader.push(chunk as Buffer)]))) return;
      }
    } catch {
      // A client that vanishes or does not speak the protocol ends its own conversation, nothing else.
    } finally {
      clearTimeout(tooLate);
      socket.destroy();
      await this.rollBack().catch(() => undefined);
      this.giveBackTurn();
    }
  }

  end(): void {
    this.options.socket.destroy();
  }

  get hasEnded(): boolean {
    return this.options.socket.destroyed;
  }

  /** False when the conversation is over. What arrived together is passed on together: PGlite takes a call for a statement then. */
  private async receive(messages: readonly FrontendMessage[]): Promise<boolean> {
    let together: Uint8Array[] = [];
    for (const message of messages) {
      if (message.kind === "other") {
        together.push(message.bytes);
        continue;
      }
      await this.pass(together);
      together = [];
      if (!(await this.receiveSpecial(message))) return false;
    }
    await this.pass(together);
    return true;
  }

  private async receiveSpecial(message: SpecialMessage): Promise<boolean> {
    switch (message.kind) {
      case "encryption":
        this.options.socket.write("N");
        return true;
      case "cancel":
      case "terminate":
        return false;
      case "startup":
        if (startupParameter(message.bytes, "application_name") === OWNER) this.speaker = "owner";
        else if (this.options.conversations.hasRoomForStranger) this.speaker = "stranger";
        else {
          this.options.socket.write(fatalMessage("53300", "sorry, too many clients already"));
          return false;
        }
        await this.pass([message.bytes]);
        return true;
    }
  }

  private async pass(messages: readonly Uint8Array[]): Promise<void> {
    const last = messages.at(-1);
    if (last === undefined) return;
    const { backend, socket } = this.options;
    const isOwner = this.speaker === "owner";
    this.endTurn ??= await backend.takeTurn({
      first: isOwner,
      signal: this.left.signal,
      timeoutMs: ANSWER_TIMEOUT_MS,
      ...(isOwner ? {} : { stranger: this, revoke: () => this.cutOff() }),
    });
    const { isIdle } = await backend.pass(messages.length === 1 ? last : Buffer.concat(messages), {
      wantsAnswer: wantsAnswer(last),
      onAnswer(answer) {
        if (socket.writable) socket.write(Buffer.from(answer));
      },
    });
    if (isIdle) this.giveBackTurn();
    if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
  }

  private cutOff(): void {
    const { socket } = this.options;
    socket.write(fatalMessage("25P03", "terminating connection: others waited for the end of its transaction"));
    socket.destroy();
  }

  private async rollBack(): Promise<void> {
    if (this.endTurn === undefined) return;
    const { backend } = this.options;
    for (const message of ENDS_TURN) await backend.pass(message, { wantsAnswer: true, onAnswer: () => undefined });
  }

  private giveBackTurn(): void {
    if (this.endTurn === undefined) return;
    this.endTurn();
    this.endTurn = undefined;
    this.options.onTurnEnded();
  }
}
