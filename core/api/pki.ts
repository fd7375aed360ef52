import { X509Certificate } from "node:crypto";
import type { KeyPair } from "./pki_certificates.ts";

/** Where credentials are kept, by name. */
export interface CredentialStore {
  /** `undefined` when there is none. */
  read(name: string): Promise<string | undefined>;
  /** Whole or not at all. `secret`: for the owner's eyes only. */
  write(name: string, text: string, options: { secret: boolean }): Promise<void>;
}

/** Who the server is, and who may do everything. */
export interface Credentials {
  /** The certificate authority, as PEM: who trusts it trusts the server. */
  authority: string;
  server: KeyPair;
  admin: KeyPair & { token: string };
}

/** Who the admin is, as clients and audit logs see it. */
export const ADMIN = { commonName: "admin", organization: "system:masters" } as const;
/** Names under which every API server is known in its cluster. */
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
 * Reads the credentials, and makes what is missing. The server's certificate is made anew when it does not
 * hold for one of `names` (of the machine, of the address it listens on, of the service) or was signed by another
 * authority. Doing so twice changes nothing.
 */
export async function loadCredentials(
  store: CredentialStore,
  names: readonly string[],
): Promise<Credentials> {
  const authority = await keyPair(store, "ca", async () => {
    const { createAuthority } = await import("./pki_certificates.ts");
    return createAuthority("coracle-ca");
  });
  const wanted = [...new Set([...CLUSTER_NAMES, ...names])];
  const server = await keyPair(store, "server", async () => {
    const { issueServer } = await import("./pki_certificates.ts");
    return issueServer(authority, { commonName: "kube-apiserver" }, wanted);
  }, ({ certificate }) => isIssuedBy(authority, certificate) && holdsFor(certificate, wanted));
  const admin = await keyPair(store, "admin", async () => {
    const { issueClient } = await import("./pki_certificates.ts");
    return issueClient(authority, ADMIN);
  }, ({ certificate }) => isIssuedBy(authority, certificate));
  const token = await adminToken(store);
  return { authority: authority.certificate, server, admin: { ...admin, token } };
}

/** Writes the kubeconfig by which everything else finds the server. `url`: where it listens. */
export async function writeKubeconfig(
  store: CredentialStore,
  credentials: Credentials,
  url: string,
): Promise<void> {
  const text = kubeconfig(credentials, url);
  if (await store.read("admin.kubeconfig") !== text) {
    await store.write("admin.kubeconfig", text, { secret: true });
  }
}

/** A kubeconfig for the admin. JSON is YAML, and every client reads it. */
export function kubeconfig({ authority, admin }: Credentials, url: string): string {
  return [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "- name: coracle",
    "  cluster:",
    `    server: ${url}`,
    `    certificate-authority-data: ${btoa(authority)}`,
    "users:",
    "- name: admin",
    "  user:",
    `    token: ${admin.token}`,
    `    client-certificate-data: ${btoa(admin.certificate)}`,
    `    client-key-data: ${btoa(admin.key)}`,
    "contexts:",
    "- name: coracle",
    "  context:",
    "    cluster: coracle",
    "    user: admin",
    "current-context: coracle",
    "preferences: {}",
    "",
  ].join("\n");
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
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toHex();
  await store.write("admin.token", token + "\n", { secret: true });
  return token;
}

function isIssuedBy(authority: KeyPair, certificate: string): boolean {
  const issuer = parsed(authority.certificate);
  const issued = parsed(certificate);
  return issuer !== undefined && issued !== undefined && issued.verify(issuer.publicKey);
}

function holdsFor(certificate: string, names: readonly string[]): boolean {
  const text = parsed(certificate)?.subjectAltName ?? "";
  const held = new Set(text.split(", ").map((name) => name.replace(/^(DNS|IP Address):/, "")));
  return names.every((name) => held.has(name));
}

/** `undefined` for what is no certificate: it is made anew then. */
function parsed(certificate: string): X509Certificate | undefined {
  try {
    return new X509Certificate(certificate);
  } catch {
    return undefined;
  }
}
