/** What a reader sees and cannot take for something else: a letter, a digit, a sign; neither quotes nor what escapes them. */
const PLAIN = /^[^\p{M}\p{C}\p{Z}"\\]+$/u;

/** An address as it is, or `quoted` when something in it cannot be seen or would move the cursor. */
export function printable(address: string): string {
  return PLAIN.test(address) ? address : quoted(address);
}

/** Quoted, with what cannot be seen or stands apart from its letter written out: two addresses that differ also look it. */
export function quoted(address: string): string {
  return JSON.stringify(address).replaceAll(
    /(?! )[\p{M}\p{C}\p{Z}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Indented JSON, the same value for whoever parses it, in which a terminal finds nothing to obey (RFC 8259 section 7). */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join(""),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
