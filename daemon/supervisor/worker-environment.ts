import { delimiter } from "node:path";
import type { WorkerPlatform, WorkerSettings } from "./worker-settings.ts";

/** What of the daemon's environment a model may see; nothing else, so no secret of the daemon or the edge. */
const ALLOWED = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "VIRTUAL_ENV",
  "HF_HOME",
  "TORCH_HOME",
]);

/** Whole families: locale, threads of numeric libraries, accelerators. */
const ALLOWED_PREFIXES = ["LC_", "OMP_", "MKL_", "OPENBLAS_", "CUDA_", "NVIDIA_", "ROCR_", "HIP_"];

export interface WorkerIdentity {
  /** From 0, within its model. */
  readonly index: number;
  readonly nonce: string;
}

/** The environment of one worker's process: the allow-list, the model's `env` over it, and what the worker needs of us. */
export function workerEnvironment(
  settings: WorkerSettings,
  platform: WorkerPlatform,
  identity: WorkerIdentity,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(platform.env)) {
    if (value !== undefined && isAllowed(name)) environment[name] = value;
  }
  const { devices } = settings;
  const device = devices[identity.index % Math.max(devices.length, 1)];
  if (device !== undefined) environment.CUDA_VISIBLE_DEVICES = device;
  Object.assign(environment, settings.env);
  environment.PYTHONPATH = [...platform.pythonPath, settings.env.PYTHONPATH].filter(Boolean).join(delimiter);
  environment.PYTHONUNBUFFERED = "1";
  environment.GATEHOUSE_NONCE = identity.nonce;
  environment.GATEHOUSE_PARENT_PID = String(process.pid);
  return environment;
}

function isAllowed(name: string): boolean {
  return ALLOWED.has(name) || ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix));
}
