import { delimiter as DELIMITER, dirname, resolve } from "node:path";
import { CommandError } from "./command_error.ts";
import { dataFolderOfProcess } from "./data_folder.ts";

/** How a client reaches a server, and as whom: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/ */
export interface Access {
  /** E.g. `https://127.0.0.1:6443`. */
  server: string;
  caPem: string | undefined;
  token: string | undefined;
  /** A client certificate and its key, as PEM. */
  pair: { certificate: string; key: string } | undefined;
  /** Where objects are meant whose namespace is not said; absent: the context names none. */
  namespace?: string;
}

interface Kubeconfig {
  "current-context"?: string;
  contexts?: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
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

/**
 * Reads the current context of a kubeconfig, or of several that are merged: for each entry the first file that has it counts.
 * Throws a {@linkcode CommandError} that says what is missing and what to do.
 */
export async function readAccess(...paths: readonly string[]): Promise<Access> {
  const files = await readKubeconfigs(paths);
  const current = files.map(({ config }) => config["current-context"]).find(Boolean);
  const context = named(files, "contexts", current)?.entry.context;
  const cluster = named(files, "clusters", context?.cluster);
  const user = named(files, "users", context?.user);
  if (!cluster?.entry.cluster) {
    throw new CommandError(
      `Cannot use the kubeconfig "${paths.join(DELIMITER)}": its current context has no cluster`,
    );
  }
  const { server, ...authority } = cluster.entry.cluster;
  return {
    server: server.replace(/\/$/, ""),
    caPem: await textOf(
      authority["certificate-authority-data"],
      authority["certificate-authority"],
      cluster.folder,
    ),
    ...await credentialsOf(user?.entry.user ?? {}, user?.folder ?? "."),
    ...(context?.namespace && { namespace: context.namespace }),
  };
}

/** The current context of the kubeconfig that is given, else of those of this process. */
export async function accessOf(kubeconfig: string | undefined): Promise<Access> {
  const ofProcess = () => pathsIn(Deno.env.get("KUBECONFIG")) ?? [defaultKubeconfig()];
  return await readAccess(...kubeconfig === undefined ? ofProcess() : [kubeconfig]);
}

export function defaultKubeconfig(): string {
  return `${dataFolderOfProcess()}/admin.kubeconfig`;
}

/** The files that `KUBECONFIG` names, separated as those of `PATH`; `undefined` when it names none. */
export function pathsIn(variable: string | undefined): string[] | undefined {
  const paths = (variable ?? "").split(DELIMITER).filter(Boolean);
  return paths.length > 0 ? paths : undefined;
}

async function credentialsOf(user: User, folder: string): Promise<Pick<Access, "token" | "pair">> {
  return {
    token: user.token ?? (await textOf(undefined, user.tokenFile, folder))?.trim(),
    pair: await pairOf(user, folder),
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

/** The text in the kubeconfig itself, else in the file that it names; relative paths start from the kubeconfig's folder. */
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

type Lists = "contexts" | "clusters" | "users";
type EntryOf<L extends Lists> = NonNullable<Kubeconfig[L]>[number];

/** The first entry with a name, and the folder that its relative paths start from. Where a list should be, a file may hold anything. */
function named<L extends Lists>(
  files: readonly KubeconfigFile[],
  list: L,
  name: string | undefined,
): { entry: EntryOf<L>; folder: string } | undefined {
  for (const { config, folder } of files) {
    const entries: unknown = config[list];
    const entry = Array.isArray(entries) && entries.find((each) => each?.name === name);
    if (entry) return { entry, folder };
  }
  return undefined;
}

interface KubeconfigFile {
  config: Kubeconfig;
  folder: string;
}

/** Of several, missing files are skipped, as by kubectl. */
async function readKubeconfigs(paths: readonly string[]): Promise<KubeconfigFile[]> {
  const there = await Promise.all(
    paths.map((path) => Deno.stat(path).then(() => true, () => paths.length === 1)),
  );
  const read = paths.filter((_, index) => there[index]).map(async (path) => ({
    config: await readKubeconfig(path),
    folder: dirname(path),
  }));
  return await Promise.all(read);
}

async function readKubeconfig(path: string): Promise<Kubeconfig> {
  try {
    const { parseManifests } = await import("../core/manifest/manifest.ts"); // most commands read none
    const [document] = parseManifests(await Deno.readFile(path));
    // There is no schema for kubeconfigs; the functions above check each field that they use.
    return (document?.value ?? {}) as Kubeconfig;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CommandError(
      `Cannot read the kubeconfig "${path}": ${error.message}; is the server running? Choose the file with --kubeconfig`,
    );
  }
}
