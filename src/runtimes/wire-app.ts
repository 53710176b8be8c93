import { createApp } from "../app.ts";
import { createAccessTokenIssuer } from "../auth/access-token.ts";
import { createAccessTokenCache } from "../auth/access-token-cache.ts";
import type { AuthDeps } from "../auth/deps.ts";
import type { SigningKeys } from "../auth/signing-keys.ts";
import type { Database } from "../db/database.ts";
import { checkTables } from "../db/readiness.ts";
import { createForward } from "../inference/forward.ts";
import type { Log } from "../middleware/log.ts";
import { createSessionCookie } from "../middleware/session-cookie.ts";
import type { Hasher } from "../password/hasher.ts";
import type { EdgeSettings } from "./config.ts";

/** The parts a runtime makes in its own way. */
export interface RuntimeParts {
  readonly settings: EdgeSettings;
  readonly db: Database;
  readonly hasher: Hasher;
  readonly keys: SigningKeys;
  readonly log: Log;
  readonly background: AuthDeps["background"];
}

/** Joins settings and parts into the app: the wiring every runtime shares. */
export function wireApp({ settings, db, hasher, keys, log, background }: RuntimeParts): ReturnType<typeof createApp> {
  const now = () => new Date();
  const tokens = createAccessTokenIssuer({
    keys,
    issuer: settings.appOrigin,
    audience: settings.daemonAudience,
    now,
  });
  return createApp({
    log,
    allowedOrigins: settings.allowedOrigins,
    cookie: createSessionCookie(settings.appOrigin),
    tokens,
    checkReady: () => checkTables(db),
    forward: createForward({
      daemonUrl: settings.daemonUrl,
      accessToken: createAccessTokenCache({ issuer: tokens, scopes: ["infer"], now }),
    }),
    auth: {
      db,
      hasher,
      now,
      background,
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      policy: { registration: settings.registration, passwordMinLength: settings.passwordMinLength },
    },
  });
}
