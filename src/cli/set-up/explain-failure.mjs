import { Failure } from "./failure.mjs";

/** What the output of npm and pip says, in the order in which it is looked for. */
const CAUSES = [
  {
    pattern: /ENOSPC|No space left on device|Errno 28\b/i,
    sentence: "the disk is full. Free some space and try again.",
  },
  {
    pattern: /EDQUOT|Disk quota exceeded/i,
    sentence: "your disk quota is used up. Free some space and try again.",
  },
  {
    pattern:
      /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|NewConnectionError|Failed to establish a new connection|Could not fetch URL|ConnectTimeoutError|NameResolutionError|ProxyError/i,
    sentence: "the package registry cannot be reached. Look at your network or proxy and try again.",
  },
  {
    pattern: /CERT_|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|CERTIFICATE_VERIFY_FAILED/i,
    sentence: "the package registry's certificate is not trusted here. Look at your proxy's certificate settings.",
  },
  {
    pattern: /EINTEGRITY|THESE PACKAGES DO NOT MATCH THE HASHES/i,
    sentence: "a package does not have the content that the lock file names. Do not use it; look at your mirror.",
  },
  {
    pattern: /EUSAGE|can only install packages when your package\.json and package-lock\.json/i,
    sentence: "package.json and package-lock.json do not fit together: run npm install and commit both.",
  },
  {
    pattern: /EACCES|EPERM|Permission denied/i,
    sentence: "a file is not writable for you. Is a part of the checkout, or of npm's cache, owned by somebody else?",
  },
  {
    pattern: /No matching distribution found|Could not find a version/i,
    sentence: "a Python package it names is not available for this platform and version of Python.",
  },
];

/** Lines of a tool's output that are quoted when none of the causes is known. */
const QUOTED_LINES = 12;

/**
 * Turns the output of a tool that failed into one sentence; an unknown failure quotes the end of the output.
 *
 * @param {string} what what could not be done, e.g. `The npm packages cannot be installed`
 * @param {string} output
 * @returns {Failure}
 */
export function explainFailure(what, output) {
  const cause = CAUSES.find(({ pattern }) => pattern.test(output));
  if (cause) return new Failure(`${what}: ${cause.sentence}`);
  const lines = output.trim().split("\n").slice(-QUOTED_LINES);
  return new Failure(`${what}. The end of the output was:\n  ${lines.join("\n  ")}`);
}
