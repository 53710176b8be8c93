import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { signalGroup } from "../../../daemon/supervisor/terminate.ts";

function refuse(code: string) {
  return () => {
    throw Object.assign(new Error(`kill ${code}`), { code });
  };
}

it("warns of a group that is not ours to signal, and goes on", async () => {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  const ended = once(child, "exit");
  const warned = once(process, "warning");
  signalGroup(child, "SIGKILL", refuse("EPERM"));
  expect((await warned)[0]).toMatchObject({ code: "GROUP_NOT_OURS" });
  await ended;
});

it("takes a group that is gone for ended, and throws what nobody foresaw", async () => {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  const ended = once(child, "exit");
  expect(() => signalGroup(child, "SIGKILL", refuse("ESRCH"))).not.toThrow();
  expect(() => signalGroup(child, "SIGKILL", refuse("EINVAL"))).toThrow("EINVAL");
  await ended;
});
