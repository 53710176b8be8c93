import { instantText } from "./instant-text.ts";

type Parse = (text: string) => unknown;

const BOOL = 16;
const BYTEA = 17;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const DATE = 1082;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;

const asText: Parse = (text) => text;

/** Reads Postgres' `hex` output, `\x` and two digits a byte (documentation, section 8.4.1). */
function parseBytea(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(text.slice(2 + index * 2, 4 + index * 2), 16);
  }
  return bytes;
}

/**
 * How every driver reads Postgres' text format, by type (oid): the drivers' own habits differ, and Drizzle's columns expect
 * instants as text. int8 becomes a number; we count rows with it, not atoms.
 */
export const wireParsers: Readonly<Record<number, Parse>> = {
  [BOOL]: (text) => text === "t",
  [BYTEA]: parseBytea,
  [INT8]: Number,
  [INT2]: Number,
  [INT4]: Number,
  [DATE]: asText,
  [TIMESTAMP]: asText,
  [TIMESTAMPTZ]: instantText,
};

/** The same in the form that pg and Neon's driver take. */
export const wireTypes = { getTypeParser: (oid: number): Parse => wireParsers[oid] ?? asText };
