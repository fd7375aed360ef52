import { parseManifests } from "../core/resources/manifest.ts";
import { CommandError } from "./command.ts";

/** What a client needs to reach a server: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/ */
export interface Access {
  /** E.g. `https://127.0.0.1:6443`. */
  server: string;
  caPem: string | undefined;
  token: string | undefined;
  /** A client certificate and its key, as PEM. */
  pair: { certificate: string; key: string } | undefined;
}

interface Kubeconfig {
  "current-context"?: string;
  contexts?: { name: string; context: { cluster: string; user: string } }[];
  clusters?: {
    name: string;
    cluster: { server: string; "certificate-authority-data"?: string };
  }[];
  users?: { name: string; user: User }[];
}

interface User {
  token?: string;
  "client-certificate-data"?: string;
  "client-key-data"?: string;
}

/** Reads the current context of a kubeconfig file; says what is missing and what to do. */
export async function readAccess(path: string): Promise<Access> {
  const file = await readKubeconfig(path);
  const context = named(file.contexts, file["current-context"])?.context;
  const cluster = named(file.clusters, context?.cluster)?.cluster;
  const user = named(file.users, context?.user)?.user;
  if (!cluster) {
    throw new CommandError(
      `Cannot use the kubeconfig "${path}": its current context has no cluster`,
    );
  }
  const ca = cluster["certificate-authority-data"];
  return {
    server: cluster.server.replace(/\/$/, ""),
    caPem: ca === undefined ? undefined : atob(ca),
    token: user?.token,
    pair: user && pairOf(user),
  };
}

function pairOf(user: User): Access["pair"] {
  const { "client-certificate-data": certificate, "client-key-data": key } = user;
  if (certificate === undefined || key === undefined) return undefined;
  return { certificate: atob(certificate), key: atob(key) };
}

/** The file may hold anything where a list should be. */
function named<T extends { name: string }>(list: T[] | undefined, name?: string): T | undefined {
  return Array.isArray(list) ? list.find((each) => each?.name === name) : undefined;
}

async function readKubeconfig(path: string): Promise<Kubeconfig> {
  try {
    const [document] = parseManifests(await Deno.readFile(path));
    // A kubeconfig has no schema of ours; what is used of it is looked at one by one above.
    return (document?.value ?? {}) as Kubeconfig;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CommandError(
      `Cannot read the kubeconfig "${path}": ${error.message}; is the server running? Name its file with --kubeconfig`,
    );
  }
}
