import { eventually } from "../eventually.ts";
import type { PodmanCluster } from "./podman_cluster.ts";

const MOUNT_PATH = "/shared";

/**
 * A folder of this machine that is mounted as `/shared` in containers. Test and containers synchronize by files in it, so
 * that no step depends on one thing taking longer than another.
 */
export class SharedFolder {
  readonly path: string;
  readonly volumeMounts = [{ name: "shared", mountPath: MOUNT_PATH }];
  readonly volumes: readonly object[];

  private constructor(path: string) {
    this.path = path;
    this.volumes = [{ name: "shared", hostPath: { path, type: "Directory" } }];
  }

  static async make({ hostFolder }: PodmanCluster, name: string): Promise<SharedFolder> {
    const path = `${hostFolder}/shared-${name}`;
    await Deno.mkdir(path, { recursive: true });
    return new SharedFolder(path);
  }

  async write(file: string, text = ""): Promise<void> {
    await Deno.writeTextFile(`${this.path}/${file}`, text);
  }

  async remove(file: string): Promise<void> {
    await Deno.remove(`${this.path}/${file}`);
  }

  /** `undefined` when there is no such file. */
  async read(file: string): Promise<string | undefined> {
    return await Deno.readTextFile(`${this.path}/${file}`).catch(() => undefined);
  }

  /** Resolves when a container has created the file. */
  async has(file: string): Promise<void> {
    await eventually(`${file} is there`, async () => await this.read(file) !== undefined);
  }
}

/** The line of a shell script that waits for a file of the folder. */
export function untilThere(file: string): string {
  return `until [ -e ${MOUNT_PATH}/${file} ]; do sleep 0.1; done`;
}
