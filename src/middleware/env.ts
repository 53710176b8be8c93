import type { CheckedSession } from "../auth/session.ts";

/** Who is asking, and the token they came with. */
export interface SignedIn extends CheckedSession {
  readonly token: string;
}

/** The connection that a request came by, as far as a runtime lends it. */
export interface CallerConnection {
  /** Ends it at once, so that a body half sent does not look whole. */
  readonly breakOff?: () => void;
}

/** What middleware leaves in Hono's context for the handlers behind it. */
export interface EdgeEnv {
  Bindings: CallerConnection;
  Variables: {
    requestId: string;
    /** By whoever threw: the answer logs it no more. */
    failureIsLogged?: boolean;
    /** Behind `requireSession` only. */
    signedIn: SignedIn;
  };
}
