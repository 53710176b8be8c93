import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/** JSON lines, one an event, with the time in ISO 8601. */
export function createLog(level: string, destination: DestinationStream): Log {
  return pino(
    { level, base: { part: "daemon" }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "message" },
    destination,
  );
}
