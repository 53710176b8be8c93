import type { CheckedSession } from "../auth/session.ts";

/** Who is asking, and the token they came with. */
export interface SignedIn extends CheckedSession {
  readonly token: string;
}

/** What middleware leaves in Hono's context for the handlers behind it. */
export interface EdgeEnv {
  Variables: {
    requestId: string;
    /** By whoever threw: the answer logs it no more. */
    failureIsLogged?: boolean;
    /** Behind `requireSession` only. */
    signedIn: SignedIn;
  };
}
