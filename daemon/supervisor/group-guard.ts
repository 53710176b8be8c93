import { type ChildProcess, spawn } from "node:child_process";
import type { Clock, Timer } from "../clock.ts";

/** Milliseconds after which a guard that was ended by somebody else is started again. */
const RESTART_MS = 1_000;

/** Milliseconds a guard has to leave once its input has ended. */
const LEAVE_MS = 1_000;

/**
 * Keeps a list of process groups, and when its input ends kills those that are still on it. POSIX shell, because it is there everywhere,
 * takes 1 MB and 1 ms, and outlives us: whoever kills a daemon with SIGKILL gives it no moment to end anything itself.
 */
const PROGRAM = `
groups=
while read -r change group; do
  rest=
  for other in $groups; do [ "$other" = "$group" ] || rest="$rest $other"; done
  groups=$rest
  [ "$change" = + ] && groups="$groups $group"
done
for group in $groups; do kill -KILL "-$group"; done
`;

export interface GroupGuardOptions {
  readonly clock: Clock;
  /** It could not be started, and is tried again with the next worker: until then only what each worker does for itself is left. */
  readonly onMissing: (cause: Error) => void;
  /** `/bin/sh` unless given. */
  readonly shell?: string;
}

/**
 * Sees to it that no process of a worker's group outlives this one, however it ends. A worker itself dies by PDEATHSIG, or at the end of its
 * stdin; what its model has started (a pool, a subprocess) knows nothing of us, and nobody is left to signal the group but this guard.
 * Out of its reach is what a model puts into a session or group of its own.
 */
export class GroupGuard {
  private readonly groups = new Set<number>();
  private child: ChildProcess | undefined;
  private restart: Timer | undefined;
  private isClosed = false;

  constructor(private readonly options: GroupGuardOptions) {}

  /** The guard's process; undefined while there is none. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** The group dies with us from now on. */
  watch(group: number): void {
    this.groups.add(group);
    if (this.child === undefined) this.start();
    else this.tell("+", group);
  }

  /** The group has ended: its number may be another's soon. */
  release(group: number): void {
    this.groups.delete(group);
    this.tell("-", group);
  }

  /** Lets the guard go; what is still watched is killed. Resolves when it has ended. */
  close(): Promise<void> {
    this.isClosed = true;
    this.restart?.cancel();
    const { child } = this;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.options.clock.after(LEAVE_MS, () => child.kill("SIGKILL"));
      child.once("exit", () => {
        timer.cancel();
        resolve();
      });
      child.stdin?.end();
    });
  }

  private start(): void {
    if (this.isClosed) return;
    try {
      this.follow(spawnGuard(this.options.shell ?? "/bin/sh"));
    } catch (cause) {
      // Some failures of a spawn are thrown.
      this.options.onMissing(cause as Error);
    }
  }

  private follow(child: ChildProcess): void {
    this.child = child;
    child.stdin?.on("error", () => undefined);
    child.once("error", (cause) => {
      if (child.pid !== undefined) return;
      this.child = undefined;
      this.options.onMissing(cause);
    });
    child.once("exit", () => this.onExit());
    for (const group of this.groups) this.tell("+", group);
  }

  /** Somebody ended it. */
  private onExit(): void {
    this.child = undefined;
    if (this.isClosed) return;
    this.restart = this.options.clock.after(RESTART_MS, () => {
      if (this.child === undefined && this.groups.size > 0) this.start();
    });
  }

  private tell(change: "+" | "-", group: number): void {
    this.child?.stdin?.write(`${change} ${group}\n`);
  }
}

function spawnGuard(shell: string): ChildProcess {
  return spawn(shell, ["-c", PROGRAM, "gatehouse-group-guard"], {
    // Neither a Ctrl-C at the terminal nor a signal to the daemon's group is for it.
    detached: true,
    cwd: "/",
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  });
}
