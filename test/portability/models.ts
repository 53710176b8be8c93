import { fileURLToPath } from "node:url";

/** The models of the suite: `echo` and `mock`, which need no weights. */
export const modelsToml = fileURLToPath(new URL("./models.toml", import.meta.url));
