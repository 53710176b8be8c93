import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

/** JSON lines, one an event, with the time in ISO 8601; to stdout unless given another destination. */
export function createLog(level: string, destination?: DestinationStream): Log {
  return pino(
    { level, base: { part: "daemon" }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "message" },
    // Lines are few, and the last ones before an end are the ones that matter: written at once.
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}
