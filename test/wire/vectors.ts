import { readFileSync } from "node:fs";
import type { ViolationCode } from "../../daemon/errors.ts";
import type { JsonObject } from "../../daemon/wire/strict-json.ts";

/** One stream of bytes and what reading it gives: PROTOCOL.md section 9. */
export interface FrameVector {
  readonly name: string;
  readonly receiver: "daemon" | "worker";
  readonly maxFrameBytes: number;
  readonly hex: string;
  readonly messages: readonly JsonObject[];
  readonly violation: ViolationCode | null;
}

/** One conversation and the step at which it breaks the protocol. */
export interface ConversationVector {
  readonly name: string;
  readonly concurrency: number;
  readonly maxBatch: number;
  readonly steps: readonly {
    readonly from: "daemon" | "worker";
    readonly message: JsonObject & { readonly type: string };
  }[];
  readonly violation: { readonly step: number; readonly code: ViolationCode } | null;
}

export const frameVectors = read<FrameVector>("frames");

export const conversationVectors = read<ConversationVector>("conversations");

function read<Vector>(name: string): readonly Vector[] {
  return JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), "utf8")).cases;
}
