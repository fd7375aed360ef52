import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { ADMIN_LIFE_MS, endOfLife } from "./certificate_life.ts";
import { isSameBytes } from "../../lib/bytes.ts";
import {
  createAuthority,
  issueClient,
  issueServer,
  type KeyPair,
  NOT_BEFORE_MS,
} from "./pki_certificates.ts";

/** Where credentials are kept, by name. */
export interface CredentialStore {
  /** `undefined` when there is none. */
  read(name: string): Promise<string | undefined>;
  /** Whole or not at all. `secret`: for the owner's eyes only. */
  write(name: string, text: string, options: { secret: boolean }): Promise<void>;
}

/** The credentials of the server and of the admin. */
export interface Credentials {
  /** Certificate of the certificate authority, as PEM: clients that trust it trust the server. */
  authority: string;
  /** Its private key, as PEM. */
  authorityKey: string;
  server: KeyPair;
  admin: AdminPair;
  /** Which of the admin's files somebody has removed since the last start: the old credentials are to be revoked. */
  removed: { certificate: boolean; token: boolean };
}

/** The credentials of the admin: either is enough. */
export interface AdminPair extends KeyPair {
  token: string;
}

/** As whom this server passes requests on, and the authority by which the others know it. */
export interface FrontProxy {
  /** Certificate of the authority, as PEM. It signs nothing else, so that no user can pass for this server. */
  authority: string;
  client: KeyPair;
}

/** Name in the certificate by which the server passes requests on. */
export const FRONT_PROXY_NAME = "front-proxy-client";

/** As long as the authority itself. */
const FRONT_PROXY_END_MS = Date.parse("2120-01-01T00:00:00Z");
/** The admin, as clients and audit logs see him. */
export const ADMIN = { commonName: "admin", organization: "system:masters" } as const;
/** Names of every API server within its cluster. */
const CLUSTER_NAMES: readonly string[] = [
  "localhost",
  "127.0.0.1",
  "::1",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];
const TOKEN_BYTES = 32;

/**
 * Reads the credentials and creates those that are missing. The server's certificate is replaced when it does not cover
 * one of `names` (of the machine, the address it listens on, the service) or was signed by another authority. Calling it
 * twice changes nothing.
 */
export async function loadCredentials(
  store: CredentialStore,
  names: readonly string[],
  nowMs: number,
): Promise<Credentials> {
  const removed = await removedIn(store);
  const authority = await keyPair(store, "ca", () => createAuthority("coracle-ca"));
  const wanted = [...new Set([...CLUSTER_NAMES, ...names])];
  const newServerPair = () => issueServer(authority, { commonName: "kube-apiserver" }, wanted);
  const [server, admin, token] = await Promise.all([
    keyPair(
      store,
      "server",
      newServerPair,
      ({ certificate }) =>
        isIssuedBy(authority, certificate) && holdsFor(certificate, wanted) &&
        isOfAnyTime(certificate),
    ),
    keyPair(
      store,
      "admin",
      () => newAdminPair(authority, nowMs),
      (pair) => isIssuedBy(authority, pair.certificate) && belong(pair),
    ),
    adminToken(store),
  ]);
  const { certificate, key: authorityKey } = authority;
  return { authority: certificate, authorityKey, server, admin: { ...admin, token }, removed };
}

/** As whom this server passes requests on to other API servers: by an authority of its own, see {@linkcode FrontProxy}. */
export async function loadFrontProxy(store: CredentialStore): Promise<FrontProxy> {
  const authority = await keyPair(
    store,
    "front-proxy-ca",
    () => createAuthority("coracle-front-proxy-ca"),
  );
  const client = await keyPair(
    store,
    "front-proxy-client",
    () => issueClient(authority, { commonName: FRONT_PROXY_NAME }, FRONT_PROXY_END_MS),
    (pair) => isIssuedBy(authority, pair.certificate) && belong(pair),
  );
  return { authority: authority.certificate, client };
}

/** A new certificate for the admin. */
export function newAdminPair(authority: KeyPair, nowMs: number): Promise<KeyPair> {
  return issueClient(authority, ADMIN, endOfLife(nowMs, ADMIN_LIFE_MS));
}

export function newToken(): string {
  return crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toHex();
}

/** Writes both, each atomically; a pair that does not match after a crash is replaced at the next start. */
export async function writeAdminPair(
  store: CredentialStore,
  { certificate, key }: KeyPair,
): Promise<void> {
  await store.write("admin.key", key, { secret: true });
  await store.write("admin.crt", certificate, { secret: false });
}

export async function writeAdminToken(store: CredentialStore, token: string): Promise<void> {
  await store.write("admin.token", token + "\n", { secret: true });
}

/** Writes the kubeconfig. `url`: of the server. */
export async function writeKubeconfig(
  store: CredentialStore,
  credentials: Pick<Credentials, "authority" | "admin">,
  url: string,
): Promise<void> {
  const { authority, admin } = credentials;
  const text = kubeconfig({ authority, url, user: ADMIN.commonName, ...admin });
  if (await store.read("admin.kubeconfig") !== text) {
    await store.write("admin.kubeconfig", text, { secret: true });
  }
}

/** What a kubeconfig says: where the server is, and who asks. */
export interface KubeconfigFacts extends KeyPair {
  authority: string;
  url: string;
  user: string;
  token?: string;
}

/** A kubeconfig. JSON is YAML, and every client reads it. */
export function kubeconfig(
  { authority, url, user, token, certificate, key }: KubeconfigFacts,
): string {
  return [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "- name: coracle",
    "  cluster:",
    `    server: ${url}`,
    `    certificate-authority-data: ${btoa(authority)}`,
    "users:",
    `- name: ${user}`,
    "  user:",
    ...(token === undefined ? [] : [`    token: ${token}`]),
    `    client-certificate-data: ${btoa(certificate)}`,
    `    client-key-data: ${btoa(key)}`,
    "contexts:",
    "- name: coracle",
    "  context:",
    "    cluster: coracle",
    `    user: ${user}`,
    "current-context: coracle",
    "preferences: {}",
    "",
  ].join("\n");
}

/** What is missing although the server has run here before. A copied or restored folder has no server certificate yet. */
async function removedIn(store: CredentialStore): Promise<Credentials["removed"]> {
  const lacks = async (name: string) => await store.read(name) === undefined;
  if (await lacks("server.crt")) return { certificate: false, token: false };
  return {
    certificate: await lacks("admin.crt") || await lacks("admin.key"),
    token: await lacks("admin.token"),
  };
}

async function keyPair(
  store: CredentialStore,
  name: string,
  make: () => Promise<KeyPair>,
  isGood: (pair: KeyPair) => boolean = () => true,
): Promise<KeyPair> {
  const [certificate, key] = await Promise.all([
    store.read(`${name}.crt`),
    store.read(`${name}.key`),
  ]);
  if (certificate && key && isGood({ certificate, key })) return { certificate, key };
  const pair = await make();
  await store.write(`${name}.key`, pair.key, { secret: true });
  await store.write(`${name}.crt`, pair.certificate, { secret: false });
  return pair;
}

async function adminToken(store: CredentialStore): Promise<string> {
  const known = (await store.read("admin.token"))?.trim();
  if (known) return known;
  const token = newToken();
  await writeAdminToken(store, token);
  return token;
}

function isIssuedBy(authority: KeyPair, certificate: string): boolean {
  const issuer = parsed(authority.certificate);
  const issued = parsed(certificate);
  return issuer !== undefined && issued !== undefined && issued.verify(issuer.publicKey);
}

/** Whether the key is the certificate's. */
function belong({ certificate, key }: KeyPair): boolean {
  const der = { type: "spki", format: "der" } as const;
  try {
    const made = createPublicKey(createPrivateKey(key)).export(der);
    return isSameBytes(parsed(certificate)!.publicKey.export(der), made);
  } catch {
    return false; // what is no certificate, or no key, is made anew
  }
}

function holdsFor(certificate: string, names: readonly string[]): boolean {
  const text = parsed(certificate)?.subjectAltName ?? "";
  const held = new Set(text.split(", ").map((name) => name.replace(/^(DNS|IP Address):/, "")));
  return names.every((name) => held.has(name));
}

/** Whether it is good whatever a client's clock shows: older ones were from 2020 on. */
function isOfAnyTime(certificate: string): boolean {
  return Date.parse(parsed(certificate)?.validFrom ?? "") === NOT_BEFORE_MS;
}

/** `undefined` for what is no certificate: it is made anew then. */
function parsed(certificate: string): X509Certificate | undefined {
  try {
    return new X509Certificate(certificate);
  } catch {
    return undefined;
  }
}
