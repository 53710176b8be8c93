import { StringDecoder } from "node:string_decoder";

/** Characters of one line that are kept: whatever writes more without a line's end must not fill our memory. */
export const MAX_LINE_LENGTH = 16_384;

/**
 * Cuts a stream of bytes into lines; a line beyond MAX_LINE_LENGTH is cut short and says so.
 *
 * @param {(line: string) => void} onLine
 * @returns {(chunk: Buffer) => void}
 */
export function lineSplitter(onLine) {
  const decoder = new StringDecoder("utf8");
  let partial = "";
  let dropped = false;

  /** @param {string} text */
  const append = (text) => {
    const room = MAX_LINE_LENGTH - partial.length;
    partial += text.slice(0, room);
    dropped ||= text.length > room;
  };
  return (chunk) => {
    const pieces = decoder.write(chunk).split("\n");
    for (const [index, piece] of pieces.entries()) {
      append(piece);
      if (index === pieces.length - 1) break;
      onLine(dropped ? `${partial}…` : partial);
      partial = "";
      dropped = false;
    }
  };
}
