import { fstatSync, lstatSync, statSync } from "node:fs";

/** Which file or folder it is, whatever it is called: a path may lead to another one by now. */
export interface Identity {
  readonly device: number;
  readonly inode: number;
}

/** Of what is at `path`; of a link itself unless `follow`. Undefined when nothing is there. */
export function identityAt(path: string, { follow = false } = {}): Identity | undefined {
  try {
    const { dev, ino } = follow ? statSync(path) : lstatSync(path);
    return { device: dev, inode: ino };
  } catch {
    return undefined;
  }
}

export function identityOf(descriptor: number): Identity {
  const { dev, ino } = fstatSync(descriptor);
  return { device: dev, inode: ino };
}

export function isSame(one: Identity | undefined, other: Identity | undefined): boolean {
  return one !== undefined && one.device === other?.device && one.inode === other.inode;
}
