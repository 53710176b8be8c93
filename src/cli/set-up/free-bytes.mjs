import { statfsSync } from "node:fs";

export const MIB = 1024 * 1024;

/**
 * What somebody without special rights can still write on a folder's file system.
 *
 * @param {string} folder
 * @returns {number} bytes
 */
export function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
