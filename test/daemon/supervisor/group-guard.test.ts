import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { GroupGuard } from "../../../daemon/supervisor/group-guard.ts";
import { markedProcesses } from "../../fixtures/marked-processes.ts";
import { until } from "../../fixtures/until.ts";
import { FakeClock } from "../fake-clock.ts";

const clock = new FakeClock();
const failures: Error[] = [];
const children: ChildProcess[] = [];
let guard: GroupGuard;

function makeGuard(shell?: string): GroupGuard {
  guard = new GroupGuard({
    clock,
    onMissing: (cause) => failures.push(cause),
    ...(shell === undefined ? {} : { shell }),
  });
  return guard;
}

afterEach(async () => {
  await guard.close();
  for (const child of children.splice(0)) endGroup(child);
  failures.length = 0;
});

/** A group of two processes, its leader's number. */
async function startGroup(mark: string): Promise<{ leader: number; ended: Promise<unknown> }> {
  const child = spawn("sh", ["-c", "sleep 3600 & echo started; wait"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, GROUP_MARK: mark },
  });
  children.push(child);
  await once(child.stdout, "data");
  return { leader: child.pid ?? 0, ended: once(child, "exit") };
}

function endGroup({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The guard has.
  }
}

const mark = () => `${process.pid}-${performance.now()}`;

describe("GroupGuard", () => {
  it("kills every process of the groups it watches when its input ends, and no others", async () => {
    const marks = [mark(), mark()] as const;
    const [watched, released] = await Promise.all(marks.map((text) => startGroup(text)));
    makeGuard().watch(watched?.leader ?? 0);
    guard.watch(released?.leader ?? 0);
    guard.release(released?.leader ?? 0);
    await guard.close();
    await watched?.ended;
    await until(() => markedProcesses(marks[0]).length === 0);
    expect(markedProcesses(marks[1]).length).toBe(2);
  });

  it("is started again, knowing what the one before knew, when somebody ends it", async () => {
    const text = mark();
    const group = await startGroup(text);
    makeGuard().watch(group.leader);
    process.kill(guard.pid ?? 0, "SIGKILL");
    await until(() => guard.pid === undefined);
    expect(markedProcesses(text).length).toBe(2);
    clock.advance(1_000);
    expect(guard.pid).toBeDefined();
    await guard.close();
    await group.ended;
    await until(() => markedProcesses(text).length === 0);
  });

  it("says so when it cannot be started, and tries again with the next worker", async () => {
    makeGuard("/nowhere/sh").watch(1_000_000);
    await until(() => failures.length === 1);
    guard.watch(1_000_001);
    await until(() => failures.length === 2);
    expect(failures.map((failure) => (failure as NodeJS.ErrnoException).code)).toEqual(["ENOENT", "ENOENT"]);
  });
});
