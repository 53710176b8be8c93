import type { AccessTokenIssuer } from "../auth/access-token.ts";
import type { AuthDeps } from "../auth/deps.ts";
import type { Forward } from "../inference/forward.ts";
import type { FailureLog } from "../middleware/failure-log.ts";
import type { SessionCookie } from "../middleware/session-cookie.ts";

/** What the routes are given: the rules, and the ways in and out. */
export interface RouteDeps {
  readonly auth: AuthDeps;
  readonly cookie: SessionCookie;
  readonly tokens: AccessTokenIssuer;
  readonly forward: Forward;
  readonly logFailure: FailureLog;
  /** Throws DatabaseError while the database cannot be reached or lacks tables, which it logs itself. */
  readonly checkReady: () => Promise<void>;
}
