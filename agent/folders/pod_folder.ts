import { ifAbsent } from "../../core/lib/absent.ts";
import { assert } from "../../core/lib/assert.ts";

/**
 * Where a pod's files are, laid out as the kubelet does:
 * ```
 * pods/UID/volumes/kubernetes.io~empty-dir/NAME     volumes
 * pods/UID/mounts/CONTAINER/INDEX                   what a container is about to mount, until it has started
 * pods/UID/containers/NAME/RUN.message              termination message (`terminationMessagePath`)
 * pods/UID/logs/NAME/RUN.log                        logs
 * pods/UID/etc-hosts                                /etc/hosts of its containers
 * pods/UID/resolv.conf                              /etc/resolv.conf of its containers
 * ```
 * Names must be DNS labels and uids must not leave the folder: both were checked by the API,
 * and the agent asserts it again.
 */
export class PodFolder {
  readonly path: string;

  constructor(dataFolder: string, podUid: string) {
    this.path = `${podsFolder(dataFolder)}/${plain(podUid)}`;
  }

  /** `plugin`: what the kubelet calls its plugin for the type of volume, e.g. `empty-dir`. */
  volume(plugin: string, name: string): string {
    return `${this.volumes}/kubernetes.io~${plain(plugin)}/${plain(name)}`;
  }

  get volumes(): string {
    return `${this.path}/volumes`;
  }

  /** Below it lie the {@linkcode containerMounts}. */
  get mounts(): string {
    return `${this.path}/mounts`;
  }

  containerMounts(container: string): string {
    return `${this.mounts}/${plain(container)}`;
  }

  get hostsFile(): string {
    return `${this.path}/etc-hosts`;
  }

  get resolverFile(): string {
    return `${this.path}/resolv.conf`;
  }

  logFolder(container: string): string {
    return `${this.path}/logs/${plain(container)}`;
  }

  logFile(container: string, restartCount: number): string {
    return `${this.logFolder(container)}/${restartCount}.log`;
  }

  containerFolder(container: string): string {
    return `${this.path}/containers/${plain(container)}`;
  }

  messageFile(container: string, restartCount: number): string {
    return `${this.containerFolder(container)}/${restartCount}.message`;
  }

  /** Removes all of it. Volumes that are mounted must be gone before. */
  async remove(): Promise<void> {
    await Deno.remove(this.path, { recursive: true }).catch(ifAbsent);
  }
}

/** The uids of the pods that have a folder. Makes the folder of all pods when it is not there. */
export async function podsWithFolder(dataFolder: string): Promise<string[]> {
  // The files of secrets are below: only the agent may look in.
  await Deno.mkdir(podsFolder(dataFolder), { recursive: true, mode: 0o700 });
  const entries = await Array.fromAsync(Deno.readDir(podsFolder(dataFolder)));
  return entries.map(({ name }) => name).filter(isPlain); // on a disk of its own there is `lost+found`
}

function podsFolder(dataFolder: string): string {
  return `${dataFolder}/pods`;
}

function plain(name: string): string {
  assert(isPlain(name), `"${name}" cannot be the name of a file`);
  return name;
}

function isPlain(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name);
}
