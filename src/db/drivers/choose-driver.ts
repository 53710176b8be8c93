export const DRIVER_NAMES = ["neon-http", "neon-ws", "tcp", "pglite"] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];

/**
 * Which driver `DATABASE_URL` and `DATABASE_DRIVER` ask for: no URL means PGlite, a host under neon.tech Neon over HTTP,
 * any other TCP. Throws `RangeError`, with a sentence that does not repeat the URL, for what cannot be.
 */
export function chooseDriver(url: string | undefined, override?: string): DriverName {
  const wanted = override === undefined || override === "" ? undefined : known(override);
  if (url === undefined || url === "") {
    if (wanted === undefined || wanted === "pglite") return "pglite";
    throw new RangeError(`DATABASE_DRIVER=${wanted} needs DATABASE_URL`);
  }
  if (wanted === "pglite")
    throw new RangeError("DATABASE_DRIVER=pglite keeps its data under DATA_DIR; unset DATABASE_URL");
  const host = hostOf(url);
  return wanted ?? (host === "neon.tech" || host.endsWith(".neon.tech") ? "neon-http" : "tcp");
}

function known(name: string): DriverName {
  const found = DRIVER_NAMES.find((candidate) => candidate === name);
  if (found === undefined) throw new RangeError(`DATABASE_DRIVER must be one of ${DRIVER_NAMES.join(", ")}`);
  return found;
}

function hostOf(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new RangeError("DATABASE_URL must look like postgres://user:password@host/database");
  }
  return new URL(url).hostname.toLowerCase();
}
