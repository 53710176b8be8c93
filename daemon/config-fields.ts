import { StartError } from "./errors.ts";

/** Reads one value of a table; `where` names it in a complaint (`timeout_ms in [models.search]`). */
export type Field<Value> = (value: unknown, where: string) => Value;

export type Table = Readonly<Record<string, unknown>>;

/** An integer from `least` to `most`, `fallback` when absent. */
export function integer(fallback: number, least: number, most: number): Field<number> {
  return (value, where) => {
    if (value === undefined) return fallback;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw invalid(`${where} must be a whole number from ${least} to ${most}, not ${show(value)}.`);
  };
}

export function boolean(fallback: boolean): Field<boolean> {
  return (value, where) => {
    if (value === undefined) return fallback;
    if (typeof value === "boolean") return value;
    throw invalid(`${where} must be true or false, not ${show(value)}.`);
  };
}

/** A string that is not empty; `undefined` when absent. */
export const optionalText: Field<string | undefined> = (value, where) => {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
  throw invalid(`${where} must be a string that is not empty, not ${show(value)}.`);
};

export const texts: Field<readonly string[]> = (value, where) => {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string" && !item.includes("\0"))) return value;
  throw invalid(`${where} must be an array of strings, not ${show(value)}.`);
};

/** Environment variables. */
export const variables: Field<Readonly<Record<string, string>>> = (value, where) => {
  if (value === undefined) return {};
  const entries = isTable(value) ? Object.entries(value) : undefined;
  if (
    entries?.every(
      ([name, text]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && typeof text === "string" && !text.includes("\0"),
    )
  ) {
    return value as Record<string, string>;
  }
  throw invalid(`${where} must be a table of strings such as { OMP_NUM_THREADS = "1" }.`);
};

/**
 * Reads a table by its fields. Throws StartError CONFIG_INVALID with one sentence for a key it does not know, with the nearest that
 * it does, or for a value that will not do.
 */
export function readTable<Fields extends Record<string, Field<unknown>>>(
  table: Table,
  fields: Fields,
  name: string,
): { readonly [Key in keyof Fields]: ReturnType<Fields[Key]> } {
  for (const key of Object.keys(table)) {
    if (!Object.hasOwn(fields, key))
      throw invalid(`${name} has no setting "${key}"${suggest(key, Object.keys(fields))}`);
  }
  const values = Object.entries(fields).map(([key, field]) => [key, field(table[key], `${key} in ${name}`)]);
  return Object.fromEntries(values);
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

export function invalid(message: string, cause?: unknown): StartError {
  return new StartError("CONFIG_INVALID", message, { cause });
}

function show(value: unknown): string {
  return isTable(value) ? "a table" : JSON.stringify(value);
}

function suggest(key: string, known: readonly string[]): string {
  const nearest = known
    .map((name) => ({ name, distance: editDistance(key, name) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest !== undefined && nearest.distance <= 3) return `; did you mean "${nearest.name}"?`;
  return `; it has ${known.join(", ")}.`;
}

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
