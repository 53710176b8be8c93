import type { IncomingMessage } from "node:http";
import { REQUEST_ID_HEADER } from "../../src/contract/headers.ts";
import type { Exchange } from "./exchange.ts";
import { Memo } from "./memo.ts";

/** What of a caller's headers a model's worker may see: never `cookie` or `authorization`. */
const FORWARDED = ["content-type", "accept", "content-language", "traceparent"] as const;

/** JSON of the common callers' headers, by what they send: most send the same again and again. */
const known = new Memo<string>(256);

/** The forwarded headers as the JSON of an `infer`; `more` names those of a protocol of its own. */
export function forwardedHeadersJson({ request, requestId }: Exchange, more: readonly string[] = []): string {
  // A request id needs no escaping: REQUEST_ID_PATTERN.
  return `{"${REQUEST_ID_HEADER}":"${requestId}"${othersJson(request, more)}}`;
}

function othersJson(request: IncomingMessage, more: readonly string[]): string {
  const { headers } = request;
  if (headers.traceparent !== undefined || more.length > 0) return membersOf(request, [...FORWARDED, ...more]);
  // No header holds a line feed, so none can look like another or like one that is missing.
  const key = `${headers["content-type"] ?? "\n"}\n${headers.accept ?? "\n"}\n${headers["content-language"] ?? "\n"}`;
  return known.get(key) ?? known.keep(key, membersOf(request, FORWARDED));
}

/** The members of a JSON object, each after a comma. */
function membersOf({ headers }: IncomingMessage, names: readonly string[]): string {
  let members = "";
  for (const name of names) {
    const value = headers[name];
    if (typeof value === "string") members += `,${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return members;
}
