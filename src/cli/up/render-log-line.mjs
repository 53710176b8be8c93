import { inspect } from "node:util";

const LEVEL_NAMES = new Map([
  [10, "trace"],
  [20, "debug"],
  [30, "info"],
  [40, "warn"],
  [50, "error"],
  [60, "fatal"],
]);
const LEVEL_COLORS = new Map([
  ["warn", 33],
  ["error", 31],
  ["fatal", 31],
]);
const DIM = 2;

/** What a reader at this terminal knows already. */
const OMITTED = new Set(["level", "time", "msg", "message", "pid", "hostname", "name", "v"]);

/**
 * A line of a server's log for people: JSON (pino's field names) as `time server level message field=value`, anything
 * else as it is, with control characters made visible.
 *
 * @param {{ line: string; name: string; color: boolean }} options
 * @returns {string}
 */
export function renderLogLine({ line, name, color }) {
  const entry = parseEntry(line);
  const label = name.padEnd(6);
  if (!entry) return `${label} ${visible(line)}`;
  const level = levelName(entry.level);
  const fields = Object.entries(entry).filter(([key, value]) => !OMITTED.has(key) && value !== undefined);
  const head = `${clockTime(entry.time)} ${label} ${paint(level.padEnd(5), LEVEL_COLORS.get(level), color)}`;
  const tail = fields.map(([key, value]) => ` ${paint(`${visible(key)}=${renderValue(value)}`, DIM, color)}`).join("");
  return `${head} ${visible(String(entry.msg ?? entry.message ?? ""))}${tail}`;
}

/**
 * @param {string} line
 * @returns {Record<string, unknown> | undefined}
 */
function parseEntry(line) {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** @param {unknown} level */
function levelName(level) {
  return typeof level === "number" ? (LEVEL_NAMES.get(level) ?? String(level)) : String(level ?? "info");
}

/** @param {unknown} time milliseconds since the epoch, or ISO 8601 */
function clockTime(time) {
  const date = typeof time === "number" || typeof time === "string" ? new Date(time) : new Date();
  return Number.isNaN(date.getTime()) ? "--:--:--" : date.toTimeString().slice(0, 8);
}

/** @param {unknown} value */
function renderValue(value) {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return visible(value);
  if (typeof value === "object" && value !== null && "stack" in value) return `\n${visible(String(value.stack), "\n")}`;
  return visible(
    typeof value === "string"
      ? JSON.stringify(value)
      : inspect(value, { breakLength: Infinity, compact: true, depth: 3 }),
  );
}

/**
 * Escapes what could move the cursor, rewrite the screen or change the order of what is read.
 *
 * @param {string} text
 * @param {string} [allowed]
 */
export function visible(text, allowed = "\t") {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    allowed.includes(character) ? character : `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`,
  );
}

/**
 * @param {string} text
 * @param {number | undefined} code of SGR, ECMA-48 section 8.3.117
 * @param {boolean} color
 */
function paint(text, code, color) {
  return color && code !== undefined ? `\x1b[${code}m${text}\x1b[0m` : text;
}
