import { InvalidArgumentError, Option } from "commander";
import type { LegacyHashDescription } from "../../password/legacy-hash.ts";

/** How an older application made its digests: everything that its table does not say. */
export type LegacyScheme = Pick<
  LegacyHashDescription,
  "algorithm" | "order" | "digestEncoding" | "saltEncoding" | "iterations"
>;

/** The words of the commands and of `LEGACY_HASH_ORDER` for an order. */
export type OrderWord = "salt-password" | "password-salt";

export const ALGORITHMS = ["sha256", "sha384", "sha512"] as const;
export const ORDER_WORDS: readonly OrderWord[] = ["salt-password", "password-salt"];
export const DIGEST_ENCODINGS = ["hex", "base64"] as const;
export const SALT_ENCODINGS = ["utf8", "hex", "base64"] as const;

export function orderOf(word: OrderWord): LegacyScheme["order"] {
  return word === "salt-password" ? "salt-first" : "password-first";
}

export function wordOf(order: LegacyScheme["order"]): OrderWord {
  return order === "salt-first" ? "salt-password" : "password-salt";
}

/** The options of `hashes wrap` that say this; what is usual is left out. */
export function wrapOptions({ algorithm, order, digestEncoding, saltEncoding, iterations = 1 }: LegacyScheme): string {
  return [
    `--algorithm ${algorithm}`,
    `--order ${wordOf(order)}`,
    ...(digestEncoding === "hex" ? [] : [`--digest-encoding ${digestEncoding}`]),
    ...(saltEncoding === "utf8" ? [] : [`--salt-encoding ${saltEncoding}`]),
    ...(iterations === 1 ? [] : [`--iterations ${iterations}`]),
  ].join(" ");
}

export function oneOf(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(text);
}
