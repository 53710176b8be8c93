import type { Argon2Parameters } from "./parameters.ts";

/**
 * The work that `spent` lacks to cost as much as `current`, or undefined when it costs as much or more: so that an account whose
 * string is older and cheaper is not told from one that does not exist.
 */
export function paddingFor(
  spent: Argon2Parameters | undefined,
  current: Argon2Parameters,
): Argon2Parameters | undefined {
  const missingBlocks = blocksFilled(current) - (spent === undefined ? 0 : blocksFilled(spent));
  if (missingBlocks <= 0) {
    return undefined;
  }
  const passes = Math.ceil(missingBlocks / current.memoryKiB);
  return { memoryKiB: Math.max(8, Math.ceil(missingBlocks / passes)), passes, lanes: 1 };
}

function blocksFilled({ memoryKiB, passes }: Argon2Parameters): number {
  return memoryKiB * passes;
}
