import type { Hono } from "hono";
import { ApiError } from "../../client/api_error.ts";
import type { Clock } from "../../lib/clock.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { subdomainFaults } from "../../schema/names.ts";
import { sendJson } from "../http/answer.ts";
import type { ApiContext, ApiEnv, User } from "../http/api_context.ts";
import { ADMIN } from "./pki.ts";
import { issueClient, type KeyPair } from "./pki_certificates.ts";
import { objectOf } from "../http/request_body.ts";
import type { AdminCredentials } from "./admin_credentials.ts";
import { certificateOfPem } from "../../lib/der/certificate.ts";
import { endOfLife, NODE_LIFE_MS, USER_LIFE_MS } from "./certificate_life.ts";
import type { Issued, Register } from "./credential_register.ts";
import type { Credentials } from "./credentials.ts";
import { nodeUser } from "./nodes/node_identity.ts";

/** What the paths of `coracle credentials` need. */
export interface CredentialService {
  register: Credentials;
  admin: AdminCredentials;
  authority: KeyPair;
  clock: Clock;
  /** The uid by which the certificates of a node count, since a machine has joined as it; absent: any count. */
  uidOfNode?: (node: string) => string | undefined;
}

/** GET /credentials answers with this. */
export type CredentialList = Register;

/** POST /credentials answers with this; the server does not keep the key. */
export interface CreatedCredential extends KeyPair {
  authority: string;
  user: string;
  serial: string;
  expiresAt: string;
}

/** POST /credentials/revoke answers with this. */
export interface Revoked {
  /** How many of them were registered. */
  known: number;
}

/** Serves the paths of `coracle credentials`. The gate lets only the admin through. */
export function addCredentialRoutes(app: Hono<ApiEnv>, service: CredentialService): void {
  app.get(
    "/credentials",
    (c) => sendJson(c, 200, service.register.register satisfies CredentialList),
  );
  app.post("/credentials", (c) => answerCreate(c, service));
  app.post("/credentials/revoke", (c) => answerRevoke(c, service));
  app.post("/credentials/rotate", async (c) => {
    await service.admin.rotate();
    return sendJson(c, 200, {});
  });
}

const ID = /^[0-9a-f]{2,64}$/;

/**
 * POST /credentials `{"node": NAME}` issues a certificate for the agent of a node; `{"user": NAME, "groups": "a,b"}` one
 * for a user, whose rights come from role bindings.
 */
async function answerCreate(
  c: ApiContext,
  { register, authority, clock, uidOfNode }: CredentialService,
): Promise<Response> {
  const body = await bodyOf(c);
  const { name: user, groups, lifeMs } = holderOf(body);
  const uid = body["user"] === undefined ? uidOfNode?.(body["node"] ?? "") : undefined;
  const subject = { commonName: user, organization: groups, ...(uid !== undefined && { uid }) };
  const pair = await issueClient(authority, subject, endOfLife(clock.now(), lifeMs));
  const { serial, notAfterMs } = certificateOfPem(pair.certificate);
  const expiresAt = timestamp(notAfterMs);
  const issuedAt = timestamp(clock.now());
  await register.issue({
    id: serial,
    type: "certificate",
    user,
    groups: [...groups],
    issuedAt,
    expiresAt,
  });
  const created = { ...pair, authority: authority.certificate, user, serial, expiresAt };
  return sendJson(c, 201, created satisfies CreatedCredential);
}

/** Whose a new certificate is, and how long it lives. Throws BadRequest. */
function holderOf(
  { node, user, groups = "" }: Readonly<Record<string, string | undefined>>,
): User & { lifeMs: number } {
  if (user === undefined) {
    const faults = subdomainFaults(node ?? "");
    if (node !== undefined && faults.length === 0) {
      return { ...nodeUser(node), lifeMs: NODE_LIFE_MS };
    }
    throw new ApiError(
      "BadRequest",
      `Cannot create a credential for the node "${node}": ${faults[0]}`,
    );
  }
  const named = groups.split(",").filter(Boolean);
  const faults = [user, ...named].flatMap((name) => holderNameFault(name) ?? []);
  if (faults.length === 0) return { name: user, groups: named, lifeMs: USER_LIFE_MS };
  throw new ApiError(
    "BadRequest",
    `Cannot create a credential for the user "${user}": ${faults.join("; ")}`,
  );
}

/** What is wrong with the name of a user or group that somebody is to have by a certificate. */
function holderNameFault(name: string): string | undefined {
  if (!HOLDER_NAME.test(name)) {
    return `"${name}" must have 1 to ${HOLDER_NAME_LENGTH_MAX} printable characters, no space at its ends`;
  }
  if (name === ADMIN.commonName) return `"${name}" is the name of the admin`;
  return name.startsWith("system:")
    ? `"${name}" must not begin with "system:"; bind the user to the ClusterRole cluster-admin instead`
    : undefined;
}
/** RFC 5280 appendix A.1, ub-common-name. */
const HOLDER_NAME_LENGTH_MAX = 64;
const HOLDER_NAME = /^(?! )[ \p{L}\p{M}\p{N}\p{P}\p{S}]{1,64}(?<! )$/u;

/** POST /credentials/revoke `{"id": SERIAL}` or `{"user": NAME}`. */
async function answerRevoke(c: ApiContext, { register }: CredentialService): Promise<Response> {
  const { id, user } = await bodyOf(c);
  if ((id === undefined) === (user === undefined)) {
    throw new ApiError("BadRequest", "Cannot revoke: name either an id or a user");
  }
  const isMeant = (one: Issued) => one.id === id || one.user === user;
  const known = register.register.issued.filter(isMeant).length;
  if (id !== undefined) await endId(register, id);
  else await revokeUser(register, user!);
  return sendJson(c, 200, { known } satisfies Revoked);
}

async function endId(register: Credentials, id: string): Promise<void> {
  if (!ID.test(id)) {
    throw new ApiError(
      "BadRequest",
      `Cannot revoke "${id}": a serial number has 2 to 64 hexadecimal digits`,
    );
  }
  await register.revoke(id);
}

async function revokeUser(register: Credentials, user: string): Promise<void> {
  if (user === ADMIN.commonName) {
    throw new ApiError(
      "BadRequest",
      `Cannot revoke all credentials of "${user}": nobody would be left to ask; use "coracle credentials rotate ${user}"`,
    );
  }
  if (user === "" || user.length > USER_LENGTH_MAX) {
    throw new ApiError(
      "BadRequest",
      `Cannot revoke: a name has 1 to ${USER_LENGTH_MAX} characters`,
    );
  }
  await register.revokeUser(user);
}
const USER_LENGTH_MAX = 512;

async function bodyOf(c: ApiContext): Promise<Readonly<Record<string, string | undefined>>> {
  const body = await objectOf(c) as Record<string, unknown>;
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === "string") continue;
    throw new ApiError("BadRequest", `"${name}" must be a string`);
  }
  return body as Record<string, string>;
}
