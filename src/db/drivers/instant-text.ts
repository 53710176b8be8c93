/** The last instant that a Date can be, and without its sign the first (ECMA-262 section 21.4.1.1), in milliseconds from 1970. */
const FARTHEST_MS = 8.64e15;

/** What Date reads by itself: four digits of a year that it does not take for another, and an offset without seconds. */
const PLAIN = /^[1-9]\d{3}-[^ ]+ [^ ]+[+-]\d\d(?::\d\d)?$/;

/** Postgres' text of a timestamptz in the ISO style (documentation, section 8.5.2), any year, before Christ too. */
const ANY = /^(\d+)-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

/**
 * A timestamptz as text that Date reads. Postgres' instants reach from 4713 BC to AD 294276 and to infinity on both sides; what lies beyond
 * Date's own becomes the nearest that Date has. Text that is no instant is given back.
 */
export function instantText(text: string): string {
  if (PLAIN.test(text)) return text;
  if (text === "infinity") return new Date(FARTHEST_MS).toISOString();
  if (text === "-infinity") return new Date(-FARTHEST_MS).toISOString();
  const match = ANY.exec(text);
  if (match === null) return text;
  const [, year, month, day, hours, minutes, seconds, fraction, sign, offsetHours, offsetMinutes, offsetSeconds, bc] =
    match;
  const date = new Date(0);
  // The year before AD 1 is 1 BC to Postgres, and 0 to Date.
  date.setUTCFullYear(bc === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day));
  const offsetS = 3_600 * Number(offsetHours) + 60 * Number(offsetMinutes ?? 0) + Number(offsetSeconds ?? 0);
  const timeS = 3_600 * Number(hours) + 60 * Number(minutes) + Number(seconds);
  const fractionMs = Number((fraction ?? "").slice(0, 3).padEnd(3, "0"));
  const ms = date.getTime() + fractionMs + 1_000 * (timeS - (sign === "-" ? -offsetS : offsetS));
  return new Date(Number.isNaN(ms) ? FARTHEST_MS : Math.min(ms, FARTHEST_MS)).toISOString();
}
