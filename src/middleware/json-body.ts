import type { Context } from "hono";
import type * as z from "zod";
import { RequestError } from "../errors.ts";

/** Every body of the auth routes fits easily; hashing and parsing never see more. Bytes. */
export const MAX_JSON_BODY_BYTES = 8_192;

/** A caller that sends 8 KiB slower than this is not sending. Milliseconds. */
const BODY_TIMEOUT_MS = 10_000;

/**
 * Reads a JSON object of a known shape from the request. The media type must say JSON, which also keeps HTML forms of other origins
 * out; a compressed body is not taken apart. Throws RequestError UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, BAD_REQUEST or VALIDATION_FAILED with the fields.
 */
export async function readJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
    throw new RequestError("UNSUPPORTED_MEDIA_TYPE", "Send the body as JSON, with content-type: application/json.");
  }
  if (!/^(identity)?$/i.test(c.req.header("content-encoding") ?? "")) {
    throw new RequestError(
      "UNSUPPORTED_MEDIA_TYPE",
      "Send the body as it is, without a content-encoding such as gzip.",
    );
  }
  const text = decode(await readBytes(c.req.raw.body));
  const parsed = schema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  throw new RequestError("VALIDATION_FAILED", "Some fields of the body are missing or not valid.", {
    fields: parsed.error.issues.map((issue) => ({ field: issue.path.join("."), message: issue.message })),
  });
}

async function readBytes(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_JSON_BODY_BYTES);
  let length = 0;
  if (body === null) return bytes.subarray(0, 0);
  const reader = body.getReader();
  let stalled = false;
  const timeout = setTimeout(() => {
    stalled = true;
    void reader.cancel().catch(() => undefined);
  }, BODY_TIMEOUT_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (length + value.length > MAX_JSON_BODY_BYTES) {
        await reader.cancel().catch(() => undefined);
        throw new RequestError("BODY_TOO_LARGE", `A body here has at most ${MAX_JSON_BODY_BYTES} bytes.`);
      }
      bytes.set(value, length);
      length += value.length;
    }
  } finally {
    clearTimeout(timeout);
  }
  if (stalled) throw new RequestError("BAD_REQUEST", "The body did not arrive in time.");
  return bytes.subarray(0, length);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RequestError("BAD_REQUEST", "The body is not UTF-8.", { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The cause is dropped on purpose: the parser quotes the body, and the body holds a password.
    throw new RequestError("BAD_REQUEST", "The body is not valid JSON.");
  }
}
