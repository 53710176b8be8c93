import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";

export interface SessionCookie {
  read(c: Context): string | null;
  write(c: Context, token: string, expiresAt: Date): void;
  clear(c: Context): void;
}

/**
 * `__Host-gatehouse` (RFC 6265bis section 4.1.3.2: Secure, whole host, path /). An http loopback origin cannot have Secure cookies in
 * every browser, so it gets `gatehouse` there.
 */
export function createSessionCookie(appOrigin: string): SessionCookie {
  const secure = appOrigin.startsWith("https:");
  const name = secure ? "__Host-gatehouse" : "gatehouse";
  const attributes = { path: "/", httpOnly: true, sameSite: "Lax", secure } as const;
  return {
    read: (c) => getCookie(c, name) ?? null,
    write: (c, token, expires) => setCookie(c, name, token, { ...attributes, expires }),
    clear: (c) => {
      deleteCookie(c, name, attributes);
    },
  };
}
