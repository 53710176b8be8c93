/** Bytes of JSON in one frame, PROTOCOL.md section 1. */
export const MAX_JSON_BYTES = 1_048_576;

/** Segments in one frame. */
export const MAX_SEGMENTS = 64;

/** Nesting of a frame's JSON; the message itself is depth 1. */
export const MAX_JSON_DEPTH = 32;

/** Bytes of all segments of one frame together, unless `hello` says less. */
export const MAX_FRAME_BYTES = 67_108_864;

/** Bytes of all segments of one `chunk` together. */
export const MAX_CHUNK_BYTES = 262_144;

export const PROTOCOL_VERSION = 1;
