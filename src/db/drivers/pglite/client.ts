import { once } from "node:events";
import type { Socket } from "node:net";
import { ANSWER_TIMEOUT_MS } from "../driver.ts";
import type { PgliteBackend } from "./backend.ts";
import type { EndTurn } from "./exclusive-turns.ts";
import { type FrontendMessage, FrontendReader, ProtocolError, type SpecialMessage } from "./frontend-reader.ts";
import { fatalMessage, isSync, plainStartup, queryMessage, SYNC, startupParameter, wantsAnswer } from "./messages.ts";

/**
 * The `application_name` of the process that owns the folder. It goes before others, who are cut off rather than let it wait, and
 * is trusted to end its transactions; only its user can connect at all.
 */
export const OWNER = "gatehouse-owner";

/**
 * Answers that a client has not read yet; beyond it the client is cut off. One statement's answer counts whole: while PGlite is busy
 * with it, nothing is sent.
 */
const MAX_UNREAD_BYTES = { owner: 64 * 1024 * 1024, stranger: 16 * 1024 * 1024 };

/** End whatever a client left half said. */
const ENDS_TURN = [SYNC, queryMessage("rollback")];

/** What all conversations together may have, the owner's left out. */
export interface ConversationBounds {
  readonly hasRoomForStranger: boolean;
  readonly hasMemory: boolean;
}

export interface PgliteClientOptions {
  readonly socket: Socket;
  readonly backend: PgliteBackend;
  readonly conversations: ConversationBounds;
  /** Time until its start-up message is there. */
  readonly startupTimeoutMs: number;
  readonly onTurnEnded: () => void;
}

/** One conversation in Postgres' protocol. It has a turn on the backend from a statement until it is idle again. */
export class PgliteClient {
  /** Undefined until it has said who it is. */
  speaker: "owner" | "stranger" | undefined;
  /** What it has sent and the backend has not had yet. */
  heldBytes = 0;
  private endTurn: EndTurn | undefined;
  private awaitsSync = false;
  private readonly left = new AbortController();

  constructor(private readonly options: PgliteClientOptions) {}

  /** Answers until the client leaves or is cut off, and leaves the backend idle. */
  async converse(): Promise<void> {
    const { socket, conversations, startupTimeoutMs } = this.options;
    socket.once("close", () => this.left.abort());
    const tooLate = setTimeout(() => {
      if (this.speaker === undefined) socket.destroy();
    }, startupTimeoutMs);
    try {
      const reader = new FrontendReader();
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        this.heldBytes = reader.pendingBytes + chunk.length;
        if (!conversations.hasMemory) throw new ProtocolError("53200", "out of memory: too much is half sent");
        if (!(await this.receive([...reader.push(chunk)]))) return;
        this.heldBytes = reader.pendingBytes;
      }
    } catch (error) {
      // A client that vanishes or does not speak the protocol ends its own conversation, nothing else.
      if (error instanceof ProtocolError) socket.write(fatalMessage(error.sqlState, error.message));
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
        await this.pass([plainStartup(message.bytes)]);
        return true;
    }
  }

  private async pass(received: readonly Uint8Array[]): Promise<void> {
    // As Postgres does, but not in it: its silence would pass for death.
    const messages = this.awaitsSync ? fromSync(received) : received;
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
    const { isIdle, awaitsSync } = await backend.pass(messages.length === 1 ? last : Buffer.concat(messages), {
      wantsAnswer: wantsAnswer(last),
      onAnswer: (answer) => this.send(answer),
    });
    this.awaitsSync = awaitsSync;
    if (isIdle) this.giveBackTurn();
    if (socket.writableNeedDrain) await once(socket, "drain", { signal: this.left.signal });
  }

  private send(answer: Uint8Array): void {
    const { socket } = this.options;
    if (socket.writableLength + answer.length > MAX_UNREAD_BYTES[this.speaker ?? "stranger"]) socket.destroy();
    if (socket.writable) socket.write(Buffer.from(answer));
  }

  private cutOff(): void {
    const { socket } = this.options;
    socket.write(
      fatalMessage(
        "25P03",
        "terminating connection: others waited for the end of its transaction (for long work stop the edge first)",
      ),
    );
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

function fromSync(messages: readonly Uint8Array[]): readonly Uint8Array[] {
  const at = messages.findIndex(isSync);
  return at === -1 ? [] : messages.slice(at);
}
