import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { ACCESS_TOKEN_TTL_SECONDS, SCOPES, type Scope } from "../contract/access-token.ts";

/** Seconds. Nothing takes a token back, so one for a script lives an hour at most. */
const MAX_TTL_SECONDS = 3_600;

/** `sub` of these tokens: the daemon shares its queue between subjects, and its log names them. */
const SUBJECT = "gatehouse-cli";

interface TokenFlags {
  readonly scope: Scope;
  readonly ttl: number;
  readonly origin?: string;
}

/** `gatehouse token`. */
export function register(program: Command): void {
  program
    .command("token")
    .summary("sign a token for the daemon, for a script or a test")
    .description("sign a token for the daemon with the edge's keys, for a script or a test")
    .addOption(new Option("--scope <scope>", "what it lets its bearer do").choices(SCOPES).default("infer"))
    .option("--ttl <seconds>", `how long it lives, at most ${MAX_TTL_SECONDS}`, parseTtl, ACCESS_TOKEN_TTL_SECONDS)
    .option(
      "--origin <origin>",
      "the edge that the daemon believes (default: APP_ORIGIN, else its address on loopback)",
    )
    .action(runToken);
}

function parseTtl(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,4}$/.test(text) || seconds < 1 || seconds > MAX_TTL_SECONDS) {
    throw new InvalidArgumentError(`It must be a whole number of seconds from 1 to ${MAX_TTL_SECONDS}.`);
  }
  return seconds;
}

async function runToken({ scope, ttl, origin }: TokenFlags): Promise<void> {
  const [{ createAccessTokenIssuer }, { readSettings }, { findSigningKeys }, { readStartSettings }] = await Promise.all(
    [
      import("../auth/access-token.ts"),
      import("../runtimes/config.ts"),
      import("../runtimes/node/signing-keys.ts"),
      import("./set-up/settings.mjs"),
    ],
  );
  const { APP_ORIGIN, DAEMON_AUDIENCE, DATA_DIR, SIGNING_KEYS } = process.env;
  const { edgePort } = readStartSettings(process.env);
  const settings = readSettings({ APP_ORIGIN: origin ?? APP_ORIGIN, DAEMON_AUDIENCE }, `http://127.0.0.1:${edgePort}`);
  const issuer = createAccessTokenIssuer({
    keys: await findSigningKeys({ signingKeys: SIGNING_KEYS || undefined, dataDir: resolve(DATA_DIR || ".data") }),
    issuer: settings.appOrigin,
    audience: settings.daemonAudience,
    now: () => new Date(),
    ttlSeconds: ttl,
  });
  const { token } = await issuer.issue({ userId: SUBJECT, sessionId: null, scopes: [scope] });
  process.stdout.write(`${token}\n`);
}
