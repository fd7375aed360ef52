import { type Command, InvalidArgumentError } from "commander";
import { isRefusal } from "../core/client/api_error.ts";
import { collectionPath, objectPath } from "../core/client/object_path.ts";
import {
  dataText,
  labelsText,
  TOKEN_NAMESPACE,
  TOKEN_TYPE,
  TOKEN_USES_MAX,
  tokenSecretName,
  tokenTermsOf,
} from "../core/resources/core/bootstrap_tokens.ts";
import { type Secret, secrets } from "../core/resources/core/secrets.ts";
import { DurationError, durationMsOf, humanDuration } from "../core/schema/durations.ts";
import { labelValueFaults, qualifiedNameFaults } from "../core/schema/names.ts";
import { CommandError } from "../server/command_error.ts";
import { type Terminal, textTable } from "../server/terminal.ts";
import { type AdminLink, atServer } from "./cluster/admin_link.ts";
import { serverUrl } from "./flags/server_url.ts";
import { kubeconfigOption } from "./flags/kubeconfig_option.ts";
import { nodeName } from "./node_flags.ts";

const TTL_MS_DEFAULT = 3_600_000;
const TTL_MS_MAX = 365 * 24 * 3_600_000;

interface Flags {
  kubeconfig?: string;
}

interface CreateFlags extends Flags {
  ttl: number;
  node?: string;
  uses?: number;
  label?: Readonly<Record<string, string>>;
  server?: string;
}

export function tokenCommand(program: Command, terminal: Terminal): void {
  const token = program.command("token")
    .description("create, list and revoke the tokens by which machines join");
  addCreate(token, terminal);
  token.command("list")
    .description("show the tokens that there are")
    .addOption(kubeconfigOption())
    .action((flags: Flags) => atServer(flags, "token", (admin) => list(admin, terminal)));
  token.command("revoke")
    .description("let nobody in by a token any more; nodes that have joined stay")
    .argument("<token>", "its id, or the whole of it")
    .addOption(kubeconfigOption())
    .action((text: string, flags: Flags) =>
      atServer(flags, "token", async (admin) => {
        await revoke(text, admin);
        terminal.out(`Revoked the token "${text.split(".")[0]}"\n`);
      })
    );
}

function addCreate(token: Command, terminal: Terminal): void {
  token.command("create")
    .description("make a token, and print the command that joins a machine by it")
    .option(
      "--ttl <duration>",
      "how long it lets machines in (1h); 0 for ever",
      ttl,
      TTL_MS_DEFAULT,
    )
    .option("--node <name>", "let in nothing but this node", nodeName)
    .option("--uses <n>", "let in so many machines", uses)
    .option("--label <key=value>", "label that the nodes get; may be repeated", label)
    .option(
      "--server <url>",
      "address that machines join at (the one that the server gives)",
      serverUrl,
    )
    .addOption(kubeconfigOption())
    .action((flags: CreateFlags) =>
      atServer(flags, "token", async (admin) => {
        terminal.out(`${await create(flags, admin)}\n`);
      })
    );
}

/** The command for the machine. */
async function create(flags: CreateFlags, { client, link, time }: AdminLink): Promise<string> {
  const { joinPlaceOf } = await import("../server/join/join_place.ts");
  const place = await joinPlaceOf(link);
  const { newToken, tokenSecret } = await import("../server/join/new_token.ts");
  const token = newToken();
  const expiresMs = flags.ttl === 0 ? undefined : time.now() + flags.ttl;
  await client.create(
    secrets,
    tokenSecret(token, { ...flags, expiresMs, labels: flags.label ?? {} }),
  );
  const node = flags.node === undefined ? "" : ` --node ${flags.node}`;
  const server = flags.server ?? place.server;
  return `coracle join ${server} --token ${token.id}.${token.secret} --ca-hash ${place.caHash}${node}`;
}

async function list({ link, time }: AdminLink, terminal: Terminal): Promise<void> {
  const query = `?fieldSelector=type%3D${encodeURIComponent(TOKEN_TYPE)}`;
  const path = collectionPath(secrets, TOKEN_NAMESPACE) + query;
  const { items } = await link.ask({ method: "GET", path }) as { items: Secret[] };
  const rows = [["TOKEN", "TTL", "EXPIRES", "NODE", "USES", "LABELS"]];
  for (const secret of items) {
    const terms = tokenTermsOf(secret);
    if (!terms) continue;
    const { id, expiresMs, node = "", uses: usesMax, usedBy, labels } = terms;
    const leftMs = expiresMs === undefined ? undefined : expiresMs - time.now();
    rows.push([
      id,
      leftMs === undefined ? "<forever>" : leftMs > 0 ? humanDuration(leftMs) : "<expired>",
      dataText(secret.data, "expiration") || "<never>",
      node || "<any>",
      usesMax === undefined ? "<any number>" : `${usedBy.length}/${usesMax}`,
      labelsText(labels) || "<none>",
    ]);
  }
  terminal.out(textTable(rows));
}

async function revoke(text: string, { link }: AdminLink): Promise<void> {
  const id = text.split(".")[0]!;
  if (!/^[a-z0-9]{6}$/.test(id)) {
    throw new CommandError(`Cannot revoke "${text}": an id has 6 lower-case letters or digits`, 2);
  }
  const name = { namespace: TOKEN_NAMESPACE, name: tokenSecretName(id) };
  try {
    await link.ask({ method: "DELETE", path: objectPath(secrets, name) });
  } catch (error) {
    if (!isRefusal(error, "NotFound")) throw error;
    throw new CommandError(
      `Cannot revoke the token "${id}": there is none; see "coracle token list"`,
    );
  }
}

function ttl(text: string): number {
  if (text === "0") return 0;
  const ms = durationOrNone(text);
  if (ms !== undefined && ms > 0 && ms <= TTL_MS_MAX) return ms;
  throw new InvalidArgumentError(
    "It must be a duration of at most a year, such as 1h, or 0 for ever.",
  );
}

function durationOrNone(text: string): number | undefined {
  try {
    return durationMsOf(text);
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

function uses(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= TOKEN_USES_MAX) return count;
  throw new InvalidArgumentError(`It must be a number from 1 to ${TOKEN_USES_MAX}.`);
}

/** Each use of the flag adds one. */
function label(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, key = "", value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  const fault = [...qualifiedNameFaults(key), ...labelValueFaults(value)][0];
  if (fault !== undefined) throw new InvalidArgumentError(`It must be KEY=VALUE: ${fault}.`);
  return { ...before, [key]: value };
}
