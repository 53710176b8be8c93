import { describe, expect, test } from "vitest";
import { explainFailure } from "../../../../src/cli/set-up/explain-failure.mjs";

const KNOWN = [
  ["npm error code ENOSPC\nnpm error ENOSPC: no space left on device, write", "the disk is full"],
  ["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"],
  ["npm error code ECONNREFUSED\nnpm error syscall connect", "the package registry cannot be reached"],
  ["npm error network request failed, reason: getaddrinfo ENOTFOUND registry.example", "cannot be reached"],
  [
    "WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: No matching distribution found",
    "cannot be reached",
  ],
  ["npm error code SELF_SIGNED_CERT_IN_CHAIN", "certificate is not trusted"],
  ["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "does not have the content"],
  ["npm error code EINTEGRITY", "does not have the content"],
  ["npm error code EUSAGE\nnpm error `npm ci` can only install packages when", "do not fit together"],
  ["npm error code EACCES\nnpm error syscall mkdir", "not writable for you"],
  ["ERROR: No matching distribution found for numpy==2.4.0", "not available for this platform"],
] as const;

describe("explainFailure", () => {
  test.each(KNOWN)("turns %j into one sentence", (output, expected) => {
    const { message } = explainFailure("The packages cannot be installed", output);
    expect(message).toMatch(/^The packages cannot be installed: /);
    expect(message).toContain(expected);
    expect(message).not.toContain("\n");
  });

  test("quotes the end of an output that it does not know", () => {
    const output = Array.from({ length: 40 }, (_, index) => `line ${index}`).join("\n");
    const { message } = explainFailure("The packages cannot be installed", output);
    expect(message).toContain("line 39");
    expect(message).not.toContain("line 20");
  });
});
