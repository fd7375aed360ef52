import type { Hono } from "hono";
import { ApiError } from "../../client/api_error.ts";
import type { Clock } from "../../lib/clock.ts";
import { timestamp } from "../../lib/timestamp.ts";
import { subdomainFaults } from "../../schema/names.ts";
import { sendJson } from "../http/answer.ts";
import type { ApiContext, ApiEnv } from "../http/api_context.ts";
import { ADMIN } from "./pki.ts";
import { issueClient, type KeyPair } from "./pki_certificates.ts";
import { objectOf } from "../http/request_body.ts";
import type { AdminCredentials } from "./admin_credentials.ts";
import { certificateOfPem } from "./certificate.ts";
import { endOfLife, NODE_LIFE_MS } from "./certificate_life.ts";
import type { Issued, Register } from "./credential_register.ts";
import type { Credentials } from "./credentials.ts";
import { nodeUser } from "./nodes/node_identity.ts";

/** What the paths of `coracle credentials` need. */
export interface CredentialService {
  register: Credentials;
  admin: AdminCredentials;
  authority: KeyPair;
  clock: Clock;
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

/** POST /credentials `{"node": NAME}`: issues a certificate for the agent of a node. */
async function answerCreate(
  c: ApiContext,
  { register, authority, clock }: CredentialService,
): Promise<Response> {
  const { node } = await bodyOf(c);
  const faults = subdomainFaults(node ?? "");
  if (node === undefined || faults.length > 0) {
    throw new ApiError(
      "BadRequest",
      `Cannot create a credential for the node "${node}": ${faults[0]}`,
    );
  }
  const { name: user, groups } = nodeUser(node);
  const subject = { commonName: user, organization: groups[0]! };
  const pair = await issueClient(authority, subject, endOfLife(clock.now(), NODE_LIFE_MS));
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
