import { expect } from "vitest";

const EMAIL = "ann@example.com";
const PASSWORD = "correct horse battery staple";
const RANKED = {
  query: "how do I cook rice",
  documents: ["A guide to repairing bicycles", "Boil one cup of rice in two cups of water"],
};

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes, each looked at by the expectations below
  readonly body: any;
  readonly cookie: string | undefined;
}

/**
 * The walk of the README against a running Gatehouse. Gives the paths it asked for, in order, so that a test can hold them
 * against the README's own.
 */
export async function walk({ edge, daemon }: { readonly edge: string; readonly daemon: string }): Promise<string[]> {
  const paths: string[] = [];
  const call = async (url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    paths.push(new URL(url).pathname);
    return request(url, { body, headers });
  };

  const registered = await call(`${edge}/v1/auth/register`, { email: EMAIL, password: PASSWORD });
  expect(registered.status).toBe(201);
  expect(registered.body.user).toMatchObject({ email: EMAIL, emailVerified: false });
  expect(registered.cookie).toMatch(/^gatehouse=/);

  const loggedIn = await call(`${edge}/v1/auth/login`, { email: EMAIL, password: PASSWORD, transport: "bearer" });
  expect(loggedIn.status).toBe(200);
  const bearer = { authorization: `Bearer ${loggedIn.body.token}` };
  const session = await call(`${edge}/v1/auth/session`, undefined, bearer);
  expect(session.body).toMatchObject({ user: { email: EMAIL }, session: { current: true } });

  const models = await call(`${edge}/v1/models`, undefined, bearer);
  expect(models.body.data.map(({ id }: { id: string }) => id)).toEqual(
    expect.arrayContaining(["echo", "mock", "search"]),
  );
  const ranked = await call(`${edge}/v1/infer/search`, RANKED, bearer);
  expect(ranked.body.ranking[0]).toMatchObject({ index: 1, document: RANKED.documents[1] });

  const issued = await call(`${edge}/v1/auth/token`, null, bearer);
  expect(issued.body).toMatchObject({ token_type: "Bearer", expires_in: 300 });
  const token = { authorization: `Bearer ${issued.body.access_token}` };
  const echoed = await call(`${daemon}/v1/infer/echo`, { hello: "worker" }, token);
  expect(echoed).toMatchObject({ status: 200, body: { hello: "worker" } });

  expect(await call(`${edge}/v1/auth/logout`, null, bearer)).toMatchObject({ status: 204 });
  expect(await request(`${edge}/v1/auth/session`, { headers: bearer })).toMatchObject({
    status: 401,
    body: { code: "UNAUTHENTICATED" },
  });
  return paths;
}

/** `body` undefined: GET; null: a POST without one. */
async function request(
  url: string,
  { body, headers }: { readonly body?: unknown; readonly headers: Record<string, string> },
): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: body ? { ...headers, "content-type": "application/json" } : headers,
    body: body ? JSON.stringify(body) : null,
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === "" ? undefined : JSON.parse(text),
    cookie: response.headers.getSetCookie()[0],
  };
}
