import type { IncomingHttpHeaders } from "node:http";
import type { Scope } from "../../src/contract/access-token.ts";
import { AnswerError } from "../errors.ts";
import type { Caller } from "./authenticate.ts";

const LOCAL_CALLER: Caller = { sub: "local", scopes: new Set<Scope>(["infer", "admin"]) };

/** The last Host that was let in: nearly every request has the same. */
let lastHost: string | undefined;

/**
 * For `mode = "none"`: everyone on this machine is one caller who may do everything, but for pages of other sites in a browser here. Such a page is
 * known by its Origin; or, when its name's DNS was made to answer with our address (DNS rebinding), by a Host that is a name of DNS, with a dot.
 * Throws AnswerError ORIGIN_REFUSED.
 */
export function authenticateNobody(_: string | undefined, { host, origin }: IncomingHttpHeaders): Caller {
  if (origin !== undefined && !isLocalOrigin(origin)) throw refused("Origin");
  if (host !== undefined && host !== lastHost) {
    if (isNameOfDns(host)) throw refused("Host");
    lastHost = host;
  }
  return LOCAL_CALLER;
}

function isLocalOrigin(origin: string): boolean {
  return /^https?:\/\/(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(origin);
}

/** A browser reaches an address or localhost without asking anybody else's DNS. */
function isNameOfDns(host: string): boolean {
  if (!host.includes(".") || host.startsWith("[")) return false;
  return !/^(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[\w-]+\.)*localhost)\.?(?::\d*)?$/i.test(host);
}

function refused(header: "Origin" | "Host"): AnswerError {
  return new AnswerError(
    "ORIGIN_REFUSED",
    `With mode = "none" only this machine's own programs and pages are let in, and the ${header} header names another.`,
  );
}
