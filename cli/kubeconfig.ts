import { dirname, resolve } from "node:path";
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
    cluster: {
      server: string;
      "certificate-authority"?: string;
      "certificate-authority-data"?: string;
    };
  }[];
  users?: { name: string; user: User }[];
}

interface User {
  token?: string;
  tokenFile?: string;
  "client-certificate"?: string;
  "client-key"?: string;
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
  const folder = dirname(path);
  return {
    server: cluster.server.replace(/\/$/, ""),
    caPem: await textOf(
      cluster["certificate-authority-data"],
      cluster["certificate-authority"],
      folder,
    ),
    token: user?.token ?? (await textOf(undefined, user?.tokenFile, folder))?.trim(),
    pair: user && await pairOf(user, folder),
  };
}

async function pairOf(user: User, folder: string): Promise<Access["pair"]> {
  const certificate = await textOf(
    user["client-certificate-data"],
    user["client-certificate"],
    folder,
  );
  const key = await textOf(user["client-key-data"], user["client-key"], folder);
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** What is written in the kubeconfig itself, else in the file that it names, beside itself when the path is relative. */
async function textOf(
  data: string | undefined,
  file: string | undefined,
  folder: string,
): Promise<string | undefined> {
  if (data !== undefined) return atob(data);
  if (file === undefined) return undefined;
  try {
    return await Deno.readTextFile(resolve(folder, file));
  } catch (error) {
    throw new CommandError(
      `Cannot read "${file}", which the kubeconfig names: ${(error as Error).message}`,
    );
  }
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
