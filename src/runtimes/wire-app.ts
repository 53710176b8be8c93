import { createApp } from "../app.ts";
import { type AccessTokenIssuer, createAccessTokenIssuer } from "../auth/access-token.ts";
import { createAccessTokenCache } from "../auth/access-token-cache.ts";
import type { AuthDeps } from "../auth/deps.ts";
import type { SigningKeys } from "../auth/signing-keys.ts";
import type { Database } from "../db/database.ts";
import { checkReady } from "../db/readiness.ts";
import { createForward, type Forward } from "../inference/forward.ts";
import { createFailureLog } from "../middleware/failure-log.ts";
import type { Log } from "../middleware/log.ts";
import { createReadinessLog, type LoggedLook } from "../middleware/readiness-log.ts";
import { createSessionCookie, type SessionCookie } from "../middleware/session-cookie.ts";
import { createUnreadableHashLog } from "../middleware/unreadable-hash-log.ts";
import type { Hasher } from "../password/hasher.ts";
import type { EdgeSettings } from "./config.ts";

/** What a process or isolate makes once. */
export interface Edge {
  readonly settings: EdgeSettings;
  readonly hasher: Hasher;
  readonly tokens: AccessTokenIssuer;
  readonly cookie: SessionCookie;
  readonly forward: Forward;
  readonly readiness: LoggedLook;
}

/** What may differ from request to request: on Workers a connection and `waitUntil` belong to one. */
export interface RequestParts {
  readonly db: Database;
  readonly background: AuthDeps["background"];
  readonly log: Log;
}

const now = () => new Date();

export function createEdge(parts: {
  readonly settings: EdgeSettings;
  readonly hasher: Hasher;
  readonly keys: SigningKeys;
  /** The way to the daemon; the runtime's own unless given. */
  readonly fetch?: typeof fetch;
}): Edge {
  const { settings, hasher, keys } = parts;
  const tokens = createAccessTokenIssuer({
    keys,
    issuer: settings.appOrigin,
    audience: settings.daemonAudience,
    now,
  });
  const accessToken = createAccessTokenCache({ issuer: tokens, scopes: ["infer"], now });
  return {
    settings,
    hasher,
    tokens,
    cookie: createSessionCookie(settings.appOrigin),
    readiness: createReadinessLog(),
    forward: createForward({
      daemonUrl: settings.daemonUrl,
      accessToken,
      ...(parts.fetch === undefined ? {} : { fetch: parts.fetch }),
    }),
  };
}

/** Joins both into the app: the wiring every runtime shares. */
export function wireApp(edge: Edge, { db, background, log }: RequestParts): ReturnType<typeof createApp> {
  const { settings, hasher, tokens, cookie, forward, readiness } = edge;
  return createApp({
    log,
    allowedOrigins: settings.allowedOrigins,
    cookie,
    tokens,
    forward,
    logFailure: createFailureLog(log),
    checkReady: () => readiness(log, () => checkReady(db)),
    auth: {
      db,
      hasher,
      now,
      background,
      unreadableHash: createUnreadableHashLog(log),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      policy: settings,
    },
  });
}
