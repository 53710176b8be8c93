import type { AuthDeps } from "../auth/deps.ts";
import type { Log } from "./log.ts";

const UNREADABLE =
  "an account's password hash cannot be read, so its owner is refused (gatehouse hashes report finds all of them)";

const SET_ASIDE =
  "an account that hashes wrap --disable-unwrappable marked was tried, and refused (gatehouse hashes reset gives it a new password)";

/**
 * Logs that somebody tried an account whose hash cannot be read: one line an attempt, without a stack, for anybody can bring it
 * about. An account that the operator set aside is no error.
 */
export function createUnreadableHashLog(log: Log): AuthDeps["unreadableHash"] {
  return ({ userId, setAside, cause }) => {
    if (setAside) log.info({ userId }, SET_ASIDE);
    else log.error({ userId, reason: cause.message }, UNREADABLE);
  };
}
