export { StartError } from "./errors.ts";
export { type DaemonOptions, type RunningDaemon, runDaemon } from "./run-daemon.ts";
export { runDaemonProcess } from "./run-process.ts";
