import type { ConversationBounds, PgliteClient } from "./client.ts";

/** Clients at once that are not the owner. */
const MAX_STRANGERS = 16;

/** Connections that have not said yet who they are. Beyond it the one that has been silent for longest goes. */
const MAX_SILENT = 256;

/** What all clients that are not the owner have sent and the backend has not had: half messages, and those that wait for a turn. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** The conversations that a server has, with room for its owner whatever others do. */
export class Conversations implements ConversationBounds {
  private readonly all = new Map<PgliteClient, Promise<void>>();

  begin(client: PgliteClient): void {
    const silent = this.clients.filter(({ speaker, hasEnded }) => speaker === undefined && !hasEnded);
    if (silent.length >= MAX_SILENT) silent[0]?.end();
    this.all.set(
      client,
      client.converse().finally(() => this.all.delete(client)),
    );
  }

  /** Whether there is room for one more who is not the owner. */
  get hasRoomForStranger(): boolean {
    return this.clients.filter(({ speaker }) => speaker === "stranger").length < MAX_STRANGERS;
  }

  /** Whether what they hold is within bounds; the owner's counts for nothing. */
  get hasMemory(): boolean {
    const strangers = this.clients.filter(({ speaker }) => speaker !== "owner");
    return strangers.reduce((sum, { heldBytes }) => sum + heldBytes, 0) <= MAX_HELD_BYTES;
  }

  /** Ends them all and settles when they are over. */
  async end(): Promise<void> {
    for (const client of this.clients) client.end();
    await Promise.all(this.all.values());
  }

  private get clients(): PgliteClient[] {
    return [...this.all.keys()];
  }
}
