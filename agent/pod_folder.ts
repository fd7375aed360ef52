import { assert } from "../core/lib/assert.ts";

/** Plugin names of the kubelet, as it uses them in paths. */
export type VolumePlugin = "empty-dir" | "configmap" | "secret";

/**
 * Where a pod's files are, laid out as the kubelet does:
 * ```
 * pods/UID/volumes/kubernetes.io~empty-dir/NAME     volumes
 * pods/UID/containers/NAME/RUN.message              last words (`terminationMessagePath`)
 * pods/UID/logs/NAME/RUN.log                        logs
 * pods/UID/etc-hosts                                /etc/hosts of its containers
 * ```
 * Only builds paths. Names must be DNS labels and uids must not leave the folder: both were checked by the API,
 * and an agent that trusts nobody asserts it again.
 */
export class PodFolder {
  readonly path: string;

  constructor(dataFolder: string, podUid: string) {
    this.path = `${podsFolder(dataFolder)}/${plain(podUid)}`;
  }

  volume(plugin: VolumePlugin, name: string): string {
    return `${this.path}/volumes/kubernetes.io~${plugin}/${plain(name)}`;
  }

  get hostsFile(): string {
    return `${this.path}/etc-hosts`;
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
}

/** The folder with one folder for each pod, named by its uid. */
export function podsFolder(dataFolder: string): string {
  return `${dataFolder}/pods`;
}

function plain(name: string): string {
  assert(/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name), `"${name}" cannot be the name of a file`);
  return name;
}
