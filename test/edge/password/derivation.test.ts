import { describe, expect, it } from "vitest";
import { argon2 } from "../../../src/password/argon2.ts";
import { createBlake2b } from "../../../src/password/blake2b.ts";
import { createDeriver } from "../../../src/password/derivation.ts";
import type { FillKernel } from "../../../src/password/fill-kernel.ts";
import { blake2bModule, CHEAP, KERNELS } from "./engine.ts";

const PASSWORD = "a password nobody would find by chance";
const INPUT = {
  ...CHEAP,
  salt: new Uint8Array(16).fill(9),
  secret: new TextEncoder().encode("a pepper likewise"),
  tagBytes: 32,
};

/** Every memory that was made while `work` ran: what the engine keeps between hashes. */
function memoriesMadeBy(work: () => void): Uint8Array[] {
  const memories: WebAssembly.Memory[] = [];
  const Instance = WebAssembly.Instance;
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      memories.push(this.exports.memory as WebAssembly.Memory);
    }
  };
  try {
    work();
  } finally {
    WebAssembly.Instance = Instance;
  }
  return memories.map(({ buffer }) => new Uint8Array(buffer));
}

describe.each(KERNELS)("the engine on %s", (_, createKernel) => {
  it("keeps neither password, pepper, seed nor tag, nor anything else, in any of its memories", () => {
    const password = new TextEncoder().encode(PASSWORD);
    let tag: Uint8Array = new Uint8Array();
    const untouched = memoriesMadeBy(() => {
      createKernel();
      createBlake2b(blake2bModule);
    });
    const memories = memoriesMadeBy(() => {
      const derive = createDeriver({ createKernel, blake2bModule });
      tag = derive({ password, argon2: INPUT });
    });
    expect(memories).toHaveLength(2);
    for (const [index, memory] of memories.entries()) {
      for (const secret of [PASSWORD, "a pepper likewise", Buffer.from(tag)]) {
        expect(Buffer.from(memory.buffer).includes(secret)).toBe(false);
      }
      const same = Buffer.from(memory.buffer, 0, untouched[index]?.length).equals(untouched[index] ?? new Uint8Array());
      const grownIsZero = Buffer.from(memory.buffer)
        .subarray(untouched[index]?.length)
        .every((byte) => byte === 0);
      expect({ same, grownIsZero }).toEqual({ same: true, grownIsZero: true });
    }
    expect(password.every((byte) => byte === 0)).toBe(true);
  });

  it("would be caught if it did: the password's first block is there while it works", () => {
    const seen: boolean[] = [];
    const kernel = createKernel();
    const spying: FillKernel = {
      ...kernel,
      fill: (filling) => {
        const result = kernel.fill(filling);
        seen.push(result.some((byte) => byte !== 0));
        return result;
      },
    };
    argon2({ kernel: spying, blake2b: createBlake2b(blake2bModule) }, new TextEncoder().encode(PASSWORD), INPUT);
    expect(seen).toEqual([true]);
  });

  it("drops instances that trapped, and works again", () => {
    let made = 0;
    const derive = createDeriver({
      createKernel: () => {
        made += 1;
        const kernel = createKernel();
        return made > 1 ? kernel : { ...kernel, fill: () => trap() };
      },
      blake2bModule,
    });
    const bytes = () => new TextEncoder().encode(PASSWORD);
    expect(() => derive({ password: bytes(), argon2: INPUT })).toThrow(
      expect.objectContaining({ code: "HASHER_FAILED", cause: expect.any(WebAssembly.RuntimeError) }),
    );
    expect(derive({ password: bytes(), argon2: INPUT })).toEqual(
      createDeriver({ createKernel, blake2bModule })({ password: bytes(), argon2: INPUT }),
    );
    expect(made).toBe(2);
  });

  it("keeps its memory under 64 MiB with the standard profile", () => {
    const [kernelMemory] = memoriesMadeBy(() => {
      const derive = createDeriver({ createKernel, blake2bModule });
      for (let hash = 0; hash < 3; hash += 1) {
        derive({ password: new TextEncoder().encode(PASSWORD), argon2: { ...INPUT, memoryKiB: 49_152, passes: 1 } });
      }
    });
    expect(kernelMemory?.length).toBeLessThan(50 * 1024 * 1024);
  });
});

/** A real trap, out of a real module: `unreachable` in its start function. */
function trap(): never {
  const module = new WebAssembly.Module(
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 8, 1, 0, 10, 5, 1, 3, 0, 0, 11),
  );
  new WebAssembly.Instance(module);
  throw new Error("The module did not trap.");
}
