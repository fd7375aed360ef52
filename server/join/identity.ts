import { ifAbsent } from "../../core/lib/absent.ts";
import { certificateOfPem } from "../../core/lib/der/certificate.ts";
import { makePrivateFolder } from "../../core/lib/linux/private_folder.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { nodeOf } from "../../core/api/access/nodes/node_identity.ts";
import type { ServerAccess } from "../../core/client/https_transport.ts";
import { JoinError } from "../../core/client/joining/join_error.ts";

const OWNER_ONLY = 0o600;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/;
const KEY = /-----BEGIN (?:EC )?PRIVATE KEY-----[^-]+-----END (?:EC )?PRIVATE KEY-----\n?/;

/** As which node this machine has joined which cluster. */
export interface NodeIdentity extends Omit<ServerAccess, "userAgent"> {
  readonly node: string;
  /** Addresses of the server, the preferred one first: `server` is that one. */
  readonly servers: readonly string[];
  readonly caPem: string;
  readonly pair: { readonly certificate: string; readonly key: string };
  readonly token: undefined;
  /** When the certificate was issued, by the server's clock: it says nothing of that itself. Absent: not known. */
  readonly issuedMs?: number;
  readonly notAfterMs: number;
}

/** What makes an identity. */
export type IdentityParts = Pick<NodeIdentity, "servers" | "caPem" | "pair" | "issuedMs">;

/** Where it is kept: `ca.pem`, `node.pem` (the certificate and its key, for the owner's eyes only) and `server` (addresses). */
export function identityFolder(dataFolder: string): string {
  return `${dataFolder}/identity`;
}

/** As `coracle join` has written it; `undefined`: this machine has not joined. Throws a {@linkcode JoinError}. */
export async function readIdentity(dataFolder: string): Promise<NodeIdentity | undefined> {
  const folder = identityFolder(dataFolder);
  const [caPem, nodePem, serverText] = await Promise.all(
    ["ca.pem", "node.pem", "server"].map((name) =>
      Deno.readTextFile(`${folder}/${name}`).catch(ifAbsent)
    ),
  );
  if (nodePem === undefined) return undefined; // the last to be written
  const servers = (serverText ?? "").split("\n").map((line) => line.trim()).filter(Boolean);
  const [certificate] = CERTIFICATE.exec(nodePem) ?? [];
  const [key] = KEY.exec(nodePem) ?? [];
  if (caPem === undefined || servers.length === 0 || !certificate || !key) {
    throw unusable(folder, "a part of it is missing");
  }
  const issuedMs = Date.parse(/^issued: (\S+)$/m.exec(nodePem)?.[1] ?? "");
  const pair = { certificate, key };
  return identityOf({ servers, caPem, pair, ...(!Number.isNaN(issuedMs) && { issuedMs }) }, folder);
}

/** The same with what its certificate says. */
export function identityOf(parts: IdentityParts, folder: string): NodeIdentity {
  const [server] = parts.servers;
  const named = nodeIn(parts.pair.certificate, folder);
  return { ...parts, ...named, server: server!, token: undefined };
}

/** Each file whole or not at all, the pair last: what is cut short is no identity, or the one before. */
export async function writeIdentity(
  dataFolder: string,
  { caPem, servers, pair, issuedMs }: IdentityParts,
): Promise<void> {
  const folder = identityFolder(dataFolder);
  await makePrivateFolder(folder);
  await writePrivate(`${folder}/ca.pem`, caPem);
  await writePrivate(`${folder}/server`, servers.map((server) => `${server}\n`).join(""));
  const issued = issuedMs === undefined ? "" : `issued: ${new Date(issuedMs).toISOString()}\n`;
  await writePrivate(`${folder}/node.pem`, issued + pair.certificate + pair.key);
}

/** Written beside, brought to the disk and renamed. */
export async function writePrivate(
  path: string,
  text: string,
  { mode = OWNER_ONLY } = {},
): Promise<void> {
  const beside = `${path}.new`;
  await Deno.remove(beside).catch(ifAbsent);
  const file = await Deno.open(beside, { write: true, createNew: true, mode });
  try {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.rename(beside, path);
}

function nodeIn(certificate: string, folder: string): Pick<NodeIdentity, "node" | "notAfterMs"> {
  try {
    const { commonNames: [name = ""], organizations: groups, notAfterMs } = certificateOfPem(
      certificate,
    );
    const node = nodeOf({ name, groups });
    if (node !== undefined) return { node, notAfterMs };
  } catch (error) {
    throw unusable(folder, messageOf(error));
  }
  throw unusable(folder, "its certificate names no node");
}

function unusable(folder: string, why: string): JoinError {
  return new JoinError(
    `Cannot use the identity of this machine in "${folder}": ${why}; remove the folder and join again with "coracle join"`,
  );
}
