export type Json = Record<string, unknown>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as an object; empty when it is none. */
  readonly json: Json;
  /** `name=value` of the cookie it set, ready to send back. */
  readonly cookie: string;
}

/** `bearer` becomes the Authorization header; the others go as they are. */
export type SentHeaders = Readonly<Record<string, string>>;

export interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: SentHeaders;
  readonly body?: BodyInit;
}

export interface Client {
  send(request: SentRequest): Promise<Answer>;
  get(path: string, headers?: SentHeaders): Promise<Answer>;
  /** With a body it is sent as JSON. */
  post(path: string, body?: unknown, headers?: SentHeaders): Promise<Answer>;
}

/** A plain HTTP client without cookies or redirects of its own. */
export function createClient(baseUrl: string): Client {
  async function send({ method, path, headers = {}, body }: SentRequest): Promise<Answer> {
    const { bearer, ...rest } = headers;
    const response = await fetch(new URL(path, baseUrl), {
      method,
      redirect: "manual",
      headers: { ...rest, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const cookie = response.headers.get("set-cookie")?.split(";")[0] ?? "";
    return { status: response.status, headers: response.headers, text, json: parse(text), cookie };
  }
  return {
    send,
    get: (path, headers = {}) => send({ method: "GET", path, headers }),
    post: (path, body, headers = {}) =>
      body === undefined
        ? send({ method: "POST", path, headers })
        : send({
            method: "POST",
            path,
            headers: { "content-type": "application/json", ...headers },
            body: JSON.stringify(body),
          }),
  };
}

function parse(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Json) : {};
  } catch {
    return {};
  }
}
