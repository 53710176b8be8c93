/** One record of a CSV file, or why there is none. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly error: string };

/** A field with what ends it: quoted, its quotes doubled, or plain without any quote (RFC 4180 section 2). */
const FIELD = /(?:"(?<quoted>[^"]*(?:""[^"]*)*)"|(?<plain>[^",\r\n]*))(?<end>,|\r\n|\n|\r|$)/y;
const LINE_BREAK = /\r\n|\n|\r/g;

/**
 * Reads CSV record by record and knows the line each begins on, counted from 1; empty lines are no records. After a record that
 * breaks the rules it goes on with the next line, so that one mistake is reported once.
 */
export function* parseCsv(text: string): Generator<CsvRecord> {
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const { record, next } = readRecord(text, { at, line });
    if (record !== undefined) yield record;
    line += text.slice(at, next).match(LINE_BREAK)?.length ?? 0;
    at = next;
  }
}

function readRecord(
  text: string,
  { at, line }: { at: number; line: number },
): { record: CsvRecord | undefined; next: number } {
  const fields: string[] = [];
  FIELD.lastIndex = at;
  for (;;) {
    const groups = FIELD.exec(text)?.groups;
    if (groups === undefined) {
      LINE_BREAK.lastIndex = at;
      const next = LINE_BREAK.exec(text) === null ? text.length : LINE_BREAK.lastIndex;
      return { record: { line, error: "The quotes in it do not match." }, next };
    }
    fields.push(groups.quoted?.replaceAll('""', '"') ?? groups.plain ?? "");
    if (groups.end === ",") continue;
    const isEmptyLine = fields.length === 1 && groups.quoted === undefined && fields[0] === "";
    return { record: isEmptyLine ? undefined : { line, fields }, next: FIELD.lastIndex };
  }
}
