import { ApiError, isRefusal } from "../../core/client/api_error.ts";
import { HttpsTransport } from "../../core/client/https_transport.ts";
import { type AskingContext, fetchAuthority } from "../../core/client/joining/authority.ts";
import { JoinError, RequestDenied } from "../../core/client/joining/join_error.ts";
import { requestNodeCertificate } from "../../core/client/joining/node_certificate.ts";
import { ServerTime } from "../../core/client/server_time.ts";
import { LinkError } from "../../core/client/link_error.ts";
import { ServerLink } from "../../core/client/server_link.ts";
import { ifAbsent } from "../../core/lib/absent.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { newPrivateKey } from "../../core/lib/der/new_certificate_request.ts";
import { makePrivateFolder } from "../../core/lib/linux/private_folder.ts";
import type { Log } from "../../core/lib/log.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { BOOT_ID, MACHINE_ID } from "../../core/resources/certificates/node_joining.ts";
import {
  identityFolder,
  identityOf,
  type IdentityParts,
  type NodeIdentity,
  readIdentity,
  writeIdentity,
  writePrivate,
} from "./identity.ts";

import { forgetServiceRange } from "./service_range.ts";

export interface JoinOptions {
  /** `https://HOST:PORT` */
  server: string;
  /** `ID.SECRET` */
  token: string;
  /** Of the authorities that are believed, as `sha256:…`. */
  caHashes: readonly string[];
  node: string;
  /** Which machine this is, as its node's status says it. */
  machine: { machineID: string; bootID: string };
  /** E.g. `coracle-join/0.1.0`. */
  userAgent: string;
  /** Real path of the data folder, which exists. */
  dataFolder: string;
}

export interface JoinContext extends AskingContext {
  clock: Clock;
  log: Log;
}

/**
 * Makes this machine a node: checks by which authority the server is known, asks for a certificate of its own and writes its
 * identity. The token is sent to nobody else, and kept nowhere. Doing it twice gives the machine a new certificate, by the one
 * that it has; what was interrupted is found again. Throws a {@linkcode JoinError} that says what to do.
 */
export async function joinCluster(
  options: JoinOptions,
  context: JoinContext,
): Promise<NodeIdentity> {
  const { server, caHashes, node, dataFolder } = options;
  const before = await readIdentity(dataFolder);
  if (before && before.node !== node) {
    throw new JoinError(
      `Cannot join as node "${node}": this machine is node "${before.node}" already, by "${
        identityFolder(dataFolder)
      }"; remove that folder, or choose another with --data`,
    );
  }
  try {
    const caPem = await fetchAuthority(server, caHashes, context);
    const key = await pendingKey(dataFolder);
    const time = new ServerTime(context.clock);
    const asked = { caPem, key, time };
    const certificate = before?.caPem === caPem
      ? await certificateByIdentity(options, before, asked, context)
      : await certificateByToken(options, asked, context);
    const pair = { certificate, key };
    const parts: IdentityParts = { servers: [server], caPem, pair, issuedMs: time.now() };
    if (before?.caPem !== caPem) await forgetServiceRange(dataFolder);
    await writeIdentity(dataFolder, parts);
    await forgetPendingKey(dataFolder);
    return identityOf(parts, identityFolder(dataFolder));
  } catch (error) {
    if (error instanceof RequestDenied) await forgetPendingKey(dataFolder);
    throw worded(error, options);
  }
}

interface Asked {
  caPem: string;
  /** That the certificate is to be for. */
  key: string;
  /** Is told the server's time. */
  time: ServerTime;
}

/** As the node that it is; by the token when that counts no longer. */
async function certificateByIdentity(
  options: JoinOptions,
  { pair }: NodeIdentity,
  asked: Asked,
  context: JoinContext,
): Promise<string> {
  try {
    return await certificateAs({ pair, token: undefined }, options, asked, context);
  } catch (error) {
    if (!isRefusal(error, "Unauthorized")) throw error;
    return await certificateByToken(options, asked, context);
  }
}

function certificateByToken(
  options: JoinOptions,
  asked: Asked,
  context: JoinContext,
): Promise<string> {
  return certificateAs({ pair: undefined, token: options.token }, options, asked, context);
}

async function certificateAs(
  who: {
    pair: { certificate: string; key: string } | undefined;
    token: string | undefined;
  },
  { server, node, machine, userAgent }: JoinOptions,
  { caPem, key, time }: Asked,
  { clock, log, signal }: JoinContext,
): Promise<string> {
  using https = new HttpsTransport({
    ...{ server, caPem, ...who },
    userAgent,
  }, time);
  const link = new ServerLink({ transport: https.send, clock, log, server });
  const annotations = { [MACHINE_ID]: machine.machineID, [BOOT_ID]: machine.bootID };
  return await requestNodeCertificate(link, { node, key, annotations }, { clock, signal });
}

function pendingPath(dataFolder: string): string {
  return `${identityFolder(dataFolder)}/pending.key`;
}

/** The key of the request that is under way: a lost answer is found again by it. */
async function pendingKey(dataFolder: string): Promise<string> {
  const path = pendingPath(dataFolder);
  const known = await Deno.readTextFile(path).catch(ifAbsent);
  if (known !== undefined) return known;
  const key = newPrivateKey();
  await makePrivateFolder(identityFolder(dataFolder));
  await writePrivate(path, key);
  return key;
}

async function forgetPendingKey(dataFolder: string): Promise<void> {
  await Deno.remove(pendingPath(dataFolder)).catch(ifAbsent);
}

/** For whoever sits at the machine. */
function worded(error: unknown, { server, token, node }: JoinOptions): unknown {
  if (error instanceof ApiError) {
    const id = token.split(".")[0];
    if (error.reason === "Unauthorized") {
      return new JoinError(
        `Cannot join as node "${node}": the server does not know the token "${id}": it has expired, has been revoked or ` +
          'never was; make a new one with "coracle token create" on the server',
      );
    }
    const [, why = error.message] = /is forbidden: (.*)$/s.exec(error.message) ?? [];
    return new JoinError(`Cannot join as node "${node}": ${why}`);
  }
  if (!(error instanceof LinkError)) return error;
  const why = messageOf(error.cause ?? error);
  if (/NotValidForName/.test(why)) {
    const { hostname } = new URL(server);
    return new JoinError(
      `Cannot join: the certificate of the server is not for "${hostname}"; start the server with --advertise ${hostname}, ` +
        "or use a name that it has",
    );
  }
  return new JoinError(`Cannot join: ${error.message}; check the address, then try again`);
}
