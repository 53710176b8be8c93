import { parseCsv } from "./csv.ts";

export type ImportFormat = "csv" | "jsonl";

/** One account as the file has it. */
export interface RawRecord {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly values: unknown;
}

export interface BadLine {
  readonly line: number;
  /** A sentence that repeats nothing secret. */
  readonly reason: string;
  /** What to do about all such lines: a sentence. */
  readonly advice?: string;
}

export interface ReadRecords {
  readonly records: readonly RawRecord[];
  readonly bad: readonly BadLine[];
}

const QUOTES_NEEDED = "a value with a comma, such as an Argon2id string, needs quotes.";

const REQUIRED_COLUMNS = ["email", "password_hash"];
const HEADER_NEEDED = `The file does not begin with a header that names the columns ${REQUIRED_COLUMNS.join(" and ")}.`;

/** Takes the file apart, all of it, whatever is wrong with some lines. CSV: RFC 4180 with a header; JSON lines: an object a line. */
export function readRecords(text: string, format: ImportFormat): ReadRecords {
  return format === "csv" ? readCsv(text) : readJsonLines(text);
}

function readCsv(text: string): ReadRecords {
  const records: RawRecord[] = [];
  const bad: BadLine[] = [];
  let names: readonly string[] | undefined;
  for (const record of parseCsv(text)) {
    const { line } = record;
    if ("error" in record) {
      bad.push({ line, reason: record.error });
    } else if (names === undefined) {
      names = record.fields.map((name) => name.trim());
      const fault = faultOfHeader(names);
      if (fault !== undefined) return { records, bad: [{ line, reason: fault }] };
    } else if (record.fields.length === names.length) {
      records.push({ line, values: Object.fromEntries(names.map((name, index) => [name, record.fields[index]])) });
    } else {
      bad.push({
        line,
        reason: `It has ${record.fields.length} columns, the header ${names.length}: ${QUOTES_NEEDED}`,
      });
    }
  }
  return names === undefined ? { records, bad: [...bad, { line: 1, reason: HEADER_NEEDED }] } : { records, bad };
}

function faultOfHeader(names: readonly string[]): string | undefined {
  if (REQUIRED_COLUMNS.some((column) => !names.includes(column))) return HEADER_NEEDED;
  return new Set(names).size < names.length ? "The header names a column twice." : undefined;
}

function readJsonLines(text: string): ReadRecords {
  const records: RawRecord[] = [];
  const bad: BadLine[] = [];
  for (const [index, content] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    if (content.trim() === "") continue;
    try {
      records.push({ line: index + 1, values: JSON.parse(content) });
    } catch {
      bad.push({ line: index + 1, reason: "It is not JSON." });
    }
  }
  return { records, bad };
}
