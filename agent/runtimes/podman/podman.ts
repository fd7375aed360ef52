import { RuntimeMissing } from "../runtime_type.ts";
import type { PodmanClient } from "./podman_client.ts";

/** Podman cannot be used on this machine. */
export class PodmanUnavailable extends RuntimeMissing {
  override name = "PodmanUnavailable";
}

/** A Podman that answers. */
export interface Podman {
  client: PodmanClient;
  /** Version of the service, e.g. `4.3.1`. */
  version: string;
  /** What is known of a service of our own; `undefined` for one that is not ours. */
  own?: OwnPodman;
  /** Makes it answer again when it does not. Rejects with {@linkcode PodmanUnavailable}. */
  revive(): Promise<void>;
  /** Stops a service of our own. Containers run on. */
  stop(): Promise<void>;
}

export interface OwnPodman {
  /** conmon writes the exit code of each container here, into a file named by its id. */
  exitsFolder: string;
  /** Program of the OCI runtime, for leftovers that Podman has lost. */
  ociRuntime: string;
  /** Where the OCI runtime keeps a folder for each container, of all its users. */
  ociStateFolder: string;
  /** All bundles of our containers are below it. */
  storageFolder: string;
  /** Stops the service, ends its containers, and removes all it has kept, images too. */
  destroy(): Promise<void>;
}

/** Where a Podman that is not ours keeps its state. Access to it is root on this machine, when root runs it. */
const USUAL_FOLDERS = [
  "/var/lib/containers",
  "/run/containers",
  "/run/libpod",
  "/run/crun",
  "/run/runc",
];

/**
 * Real paths of which no pod may see anything: where Podman listens, and where it and its OCI runtime keep images,
 * containers and their state. Whoever reaches one of them is root on this machine.
 */
export async function protectedPathsOf({ client, own }: Podman): Promise<readonly string[]> {
  const { socketPath } = client;
  const paths = own === undefined
    ? [socketPath, ...USUAL_FOLDERS]
    : [socketPath.slice(0, socketPath.lastIndexOf("/")), own.ociStateFolder, own.storageFolder];
  return await Promise.all(paths.map((path) => Deno.realPath(path).catch(() => path))); // not made yet
}
