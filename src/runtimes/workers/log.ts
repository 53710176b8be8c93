import { describeError, type Log } from "../../middleware/log.ts";

/** JSON lines on the console, which is where Workers Logs reads them. */
export const consoleLog: Log = {
  error: (fields, message) => console.error(line("error", fields, message)),
  info: (fields, message) => console.info(line("info", fields, message)),
};

function line(level: string, fields: Readonly<Record<string, unknown>>, message: string): string {
  return JSON.stringify({ level, message, ...fields }, (_key, value: unknown) =>
    value instanceof Error ? describeError(value) : value,
  );
}
