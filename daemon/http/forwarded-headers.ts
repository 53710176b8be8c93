import type { IncomingMessage } from "node:http";
import { REQUEST_ID_HEADER } from "../../src/contract/headers.ts";
import type { Exchange } from "./exchange.ts";

/** What of a caller's headers a model's worker may see: never `cookie` or `authorization`. */
const FORWARDED = ["content-type", "accept", "content-language", "traceparent"] as const;

/** The forwarded headers as the JSON of an `infer`; `more` names those of a protocol of its own. */
export function forwardedHeadersJson(exchange: Exchange, more: readonly string[] = []): string {
  const headers: Record<string, string> = { [REQUEST_ID_HEADER]: exchange.requestId };
  copy(exchange.request, FORWARDED, headers);
  copy(exchange.request, more, headers);
  return JSON.stringify(headers);
}

function copy(request: IncomingMessage, names: readonly string[], into: Record<string, string>): void {
  for (const name of names) {
    const value = request.headers[name];
    if (typeof value === "string") into[name] = value;
  }
}
