/** Segments no longer than this together are copied into the frame's own buffer: one small write is cheaper than two. */
const INLINE_BYTES = 16_384;

const LENGTH_BYTES = 4;

/**
 * The bytes of one frame (PROTOCOL.md section 1). `json` is the message as JSON, its `segments` agreeing with the lengths in `body`;
 * `body` is the bytes that follow, in any number of pieces, not copied when there are many of them.
 */
export function encodeFrame(json: string, body: readonly Buffer[] = []): readonly Buffer[] {
  let bodyLength = 0;
  for (const piece of body) bodyLength += piece.length;
  const jsonLength = Buffer.byteLength(json);
  if (bodyLength > INLINE_BYTES) return [head(json, jsonLength, 0), ...body];
  const frame = head(json, jsonLength, bodyLength);
  let offset = LENGTH_BYTES + jsonLength;
  for (const piece of body) offset += piece.copy(frame, offset);
  return [frame];
}

function head(json: string, jsonLength: number, room: number): Buffer {
  const buffer = Buffer.allocUnsafe(LENGTH_BYTES + jsonLength + room);
  buffer.writeUInt32BE(jsonLength, 0);
  buffer.write(json, LENGTH_BYTES);
  return buffer;
}
