import { spawnSync } from "node:child_process";
import { DatabaseError } from "../../../errors.ts";

/** What python3 ends with when the lock is somebody else's; 1 is what it ends with when it fails. */
const BUSY = 75;

const LOCK_IN_PYTHON = `
import fcntl, sys
try: fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError: sys.exit(${BUSY})
`;

interface Locker {
  readonly command: string;
  readonly args: readonly string[];
  isBusy(status: number | null, complaint: string): boolean;
}

/** Node has no flock. A child that inherits the descriptor locks the open file, which we share, and leaves the lock to us. */
const LOCKERS: readonly Locker[] = [
  {
    command: "flock",
    // Short options: busybox knows no others.
    args: ["-x", "-n", "3"],
    // Busybox ends with 1 after a failure too, but not in silence.
    isBusy: (status, complaint) => status === 1 && complaint === "",
  },
  { command: "python3", args: ["-c", LOCK_IN_PYTHON], isBusy: (status) => status === BUSY },
];

/**
 * Takes the kernel's exclusive lock (flock(2)) on an open file or folder, whose `path` is for the failure's sentence. False when
 * somebody else has it. Throws `DatabaseError` `DATABASE_UNAVAILABLE` when it cannot be known.
 */
export function lockDescriptor(descriptor: number, path: string): boolean {
  const failures: string[] = [];
  for (const { command, args, isBusy } of LOCKERS) {
    const { status, signal, stderr } = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe", descriptor] });
    if (status === 0) return true;
    if (isBusy(status, String(stderr ?? ""))) return false;
    failures.push(
      status === null && signal === null ? `${command} cannot be run` : `${command} ended with ${status ?? signal}`,
    );
  }
  throw new DatabaseError("DATABASE_UNAVAILABLE", `cannot lock ${path}: ${failures.join(", ")}`);
}
