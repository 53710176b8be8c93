/** One Argon2id computation with everything chosen; bytes in hex, so that it travels as JSON. */
export interface DifferentialCase {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly password: string;
  readonly salt: string;
  readonly secret: string;
  readonly tagBytes: number;
}

export interface CaseLimits {
  readonly maxMemoryKiB: number;
}

const SPECIAL_PASSWORDS = ["", "\0", "a\0b", "пароль", "密码🔐", "x".repeat(1024), "🔐".repeat(256)];

/** `count` cases, the same for the same `seed`: small memories as likely as large ones, and every special password in turn. */
export function* differentialCases(
  seed: number,
  count: number,
  { maxMemoryKiB }: CaseLimits,
): Generator<DifferentialCase> {
  const random = xorshift(seed);
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => between(0, 255))).toString("hex");
  for (let index = 0; index < count; index += 1) {
    const lanes = between(1, 4);
    const special = SPECIAL_PASSWORDS[index % (2 * SPECIAL_PASSWORDS.length)];
    yield {
      memoryKiB: Math.max(8 * lanes, Math.floor(8 * (maxMemoryKiB / 8) ** random())),
      passes: between(1, 6),
      lanes,
      password: special === undefined ? bytes(between(0, 1024)) : Buffer.from(special).toString("hex"),
      salt: bytes(between(8, 48)),
      secret: random() < 0.5 ? "" : bytes(between(1, 64)),
      tagBytes: between(4, 128),
    };
  }
}

/** Marsaglia's xorshift32: numbers in [0, 1) that are the same everywhere. */
function xorshift(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
