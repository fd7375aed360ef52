import { Argument, type Command } from "commander";
import type {
  CreatedCredential,
  CredentialList,
  Revoked,
} from "../core/api/access/credential_answers.ts";
import { kubeconfig } from "../core/api/access/pki.ts";
import { HttpsTransport } from "../core/client/https_transport.ts";
import { serverUrl } from "./flags/server_url.ts";
import { CommandError } from "../server/command_error.ts";
import { type Terminal, textTable } from "../server/terminal.ts";
import { accessOf } from "../server/kubeconfig.ts";
import { kubeconfigOption } from "./flags/kubeconfig_option.ts";
import { VERSION } from "../server/version.ts";

const USER_AGENT = `coracle-credentials/${VERSION}`;
const OWNER_ONLY = 0o600;
/** As serial numbers and hashes of tokens are written; `openssl x509 -serial` has capitals, browsers colons. */
const SERIAL = /^[0-9A-Fa-f:]{16,}$/;

interface Flags {
  kubeconfig?: string;
}

interface CreateFlags extends Flags {
  group?: string[];
  server?: string;
  output?: string;
}

export function credentialsCommand(program: Command, terminal: Terminal): void {
  const credentials = program.command("credentials")
    .description("list, create, rotate and revoke credentials");
  credentials.command("list")
    .description("show which credentials have been issued, and which have been revoked")
    .addOption(kubeconfigOption())
    .action((flags: Flags) => list(flags, terminal));
  credentials.command("create")
    .description(
      "create credentials for a user, whose rights come from role bindings, or for the agent of a node, as a kubeconfig",
    )
    .addArgument(new Argument("<kind>", "whom they are for").choices(["node", "user"]))
    .argument("<name>", "name of the user, or of the node, as its agent gets it with --node")
    .option("--group <name...>", "groups of the user")
    .option(
      "--server <url>",
      "address of the server for that kubeconfig (default: the one in this kubeconfig)",
      serverUrl,
    )
    .option("-o, --output <file>", "write to a file (0600) instead of standard output")
    .addOption(kubeconfigOption())
    .action((kind: "node" | "user", name: string, flags: CreateFlags) =>
      create(kind, name, flags, terminal)
    );
  credentials.command("rotate")
    .description("replace the admin's token and certificate; the old ones become invalid")
    .addArgument(new Argument("<name>", "whose credentials").choices(["admin"]))
    .addOption(kubeconfigOption())
    .action((_: "admin", flags: Flags) => rotate(flags, terminal));
  credentials.command("revoke")
    .description("make one credential invalid at once, or all that were issued to a user so far")
    .argument("<serial|name>", "serial number of a certificate, id of a token, or name of a user")
    .addOption(kubeconfigOption())
    .action((what: string, flags: Flags) => revoke(what, flags, terminal));
}

async function list(flags: Flags, terminal: Terminal): Promise<void> {
  const { issued, ended } = await ask<CredentialList>("GET", "/credentials", undefined, flags);
  const rows = [
    ["USER", "GROUPS", "TYPE", "ISSUED", "EXPIRES", "ID"],
    ...issued.map(({ user, groups, type, issuedAt, expiresAt = "never", id }) => [
      user,
      groups.join(","),
      type === "bearer" ? "token" : type,
      issuedAt,
      expiresAt,
      id,
    ]),
    ...ended.map(({ at, id, user }) => [
      user ?? "",
      "",
      "revoked",
      at,
      "",
      id ?? "all that were issued before",
    ]),
  ];
  terminal.out(textTable(rows));
}

async function create(
  kind: "node" | "user",
  name: string,
  flags: CreateFlags,
  terminal: Terminal,
): Promise<void> {
  const { group = [] } = flags;
  if (kind === "node" && group.length > 0) {
    throw new CommandError("Cannot give a node groups: --group is for users");
  }
  const comma = group.find((one) => one.includes(","));
  if (comma !== undefined) {
    throw new CommandError(`Cannot use the group "${comma}": give --group once for each group`);
  }
  const body = kind === "node" ? { node: name } : { user: name, groups: group.join(",") };
  const made = await ask<CreatedCredential>("POST", "/credentials", body, flags);
  const url = flags.server ?? (await accessOf(flags.kubeconfig)).server;
  const text = kubeconfig({ ...made, url });
  if (flags.output === undefined) return terminal.out(text);
  await writeSecret(flags.output, text);
  terminal.out(
    `Wrote ${flags.output} for "${made.user}", serial ${made.serial}, valid until ${made.expiresAt}\n`,
  );
}

async function rotate(flags: Flags, terminal: Terminal): Promise<void> {
  await ask("POST", "/credentials/rotate", {}, flags);
  terminal.out(
    "The admin has a new token and a new certificate, in the server's data folder " +
      "(admin.kubeconfig, admin.token); the old ones count no longer\n",
  );
}

async function revoke(what: string, flags: Flags, terminal: Terminal): Promise<void> {
  const id = what.replaceAll(":", "").toLowerCase().replace(/^(?:00)+(?=..)/, "");
  const body = SERIAL.test(what) ? { id } : { user: what };
  const { known } = await ask<Revoked>("POST", "/credentials/revoke", body, flags);
  terminal.out(
    known > 0
      ? `Revoked ${known === 1 ? "1 credential" : `${known} credentials`}\n`
      : `Revoked, although nothing that was issued here is known as "${what}"\n`,
  );
}

async function ask<T>(
  method: "GET" | "POST",
  path: string,
  body: unknown,
  { kubeconfig }: Flags,
): Promise<T> {
  const access = await accessOf(kubeconfig);
  using https = new HttpsTransport({ ...access, userAgent: USER_AGENT });
  const { signal } = new AbortController(); // whoever has waited long enough interrupts the command
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await https.send({ method, path, ...json, signal }).catch((error: Error) => {
    throw new CommandError(
      `Cannot reach the server at ${access.server}: ${error.message}; is "coracle server" running?`,
    );
  });
  const answered = await answer.json();
  if (!answer.ok) throw new CommandError(`The server refuses: ${answered.message}`);
  return answered;
}

/** A file of its own from the start: nobody else can have it open. */
async function writeSecret(path: string, text: string): Promise<void> {
  const beside = `${path}.${crypto.getRandomValues(new Uint8Array(4)).toHex()}.new`;
  try {
    await Deno.writeTextFile(beside, text, { createNew: true, mode: OWNER_ONLY });
    await Deno.rename(beside, path);
  } catch (error) {
    throw new CommandError(`Cannot write "${path}": ${(error as Error).message}`);
  }
}
