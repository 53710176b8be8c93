/** Pieces shorter than this are gathered: an upload in single bytes would otherwise cost a hundred times its length. */
const SMALL_BYTES = 4_096;

/** The first room for small pieces; each further one is twice as large, up to LARGEST_ROOM_BYTES. */
const FIRST_ROOM_BYTES = 1_024;
const LARGEST_ROOM_BYTES = 65_536;

const NOTHING = Buffer.alloc(0);

/** A body as it arrives: large pieces as they are, small ones copied together. A body in one piece is never copied. */
export class BodyPieces {
  private list: Buffer[] = [];
  private room: Buffer = NOTHING;
  private used = 0;
  private nextRoomBytes = FIRST_ROOM_BYTES;
  private length = 0;

  get bytes(): number {
    return this.length;
  }

  add(piece: Buffer): void {
    this.length += piece.length;
    if (this.list.length === 0 || piece.length >= SMALL_BYTES) {
      this.closeRoom();
      this.list.push(piece);
      return;
    }
    if (piece.length > this.room.length - this.used) {
      this.closeRoom();
      this.room = Buffer.allocUnsafeSlow(Math.max(this.nextRoomBytes, piece.length));
      this.nextRoomBytes = Math.min(2 * this.nextRoomBytes, LARGEST_ROOM_BYTES);
    }
    piece.copy(this.room, this.used);
    this.used += piece.length;
  }

  /** Hands all of it over, in order, and keeps nothing: a request outlives its body, and would carry it into the collector's old space. */
  take(): readonly Buffer[] {
    this.closeRoom();
    const { list } = this;
    this.list = [];
    this.room = NOTHING;
    return list;
  }

  private closeRoom(): void {
    if (this.used > 0) this.list.push(this.room.subarray(0, this.used));
    this.room = this.room.subarray(this.used);
    this.used = 0;
  }
}
