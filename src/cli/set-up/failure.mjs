/** Something the person at the terminal can mend: its message is the one sentence they get, without a stack trace. */
export class Failure extends Error {
  /** @override */
  name = "Failure";
}

/**
 * What a file-system error means to a person.
 *
 * @param {unknown} error from node:fs
 * @param {string} what the file or folder in the reader's words, e.g. `DATA_DIR (/srv/data)`
 * @returns {Failure}
 */
export function fileFailure(error, what) {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const sentence = {
    ENOSPC: `The disk is full: ${what} cannot be written. Free some space and try again.`,
    EDQUOT: `Your disk quota is used up: ${what} cannot be written. Free some space and try again.`,
    EACCES: `${what} is not writable for you. Choose another folder or change its permissions.`,
    EPERM: `${what} is not writable for you. Choose another folder or change its permissions.`,
    EROFS: `${what} is on a read-only file system. Choose another folder.`,
    ENOTDIR: `${what} cannot be made, because a part of its path is a file. Choose another folder.`,
    EEXIST: `${what} cannot be made, because a file of that name is in the way. Choose another folder.`,
    ENOENT: `${what} cannot be made there. Choose another folder.`,
  }[String(code)];
  return new Failure(sentence ?? `${what} cannot be written (${code ?? error}).`, { cause: error });
}
