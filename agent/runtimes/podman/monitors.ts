import type { Clock } from "../../../core/lib/clock.ts";
import {
  identityOf,
  isRunning,
  type ProcessIdentity,
} from "../../../core/lib/linux/process_identity.ts";
import type { Log } from "../../../core/lib/log.ts";
import { type ContainerInspection, stateOf } from "./container_state.ts";
import type { ExitWatch } from "./exit_watch.ts";
import type { OwnPodman } from "./podman.ts";
import { type PodmanClient, PodmanError } from "./podman_client.ts";

/** 128 + SIGKILL: what a container has ended with when nobody saw its end. */
const KILLED_EXIT_CODE = 137;
/** A monitor that ends in order has written the exit file; until Podman has read it, the container counts as running. */
const ORDERLY_END_MS = 2_000;
const CGROUPS = "/sys/fs/cgroup";

export interface MonitorsOptions {
  client: PodmanClient;
  /** Absent: Podman is somebody else's, and what the kernel has killed is not written down for it. */
  own: OwnPodman | undefined;
  clock: Clock;
  log: Log;
}

/**
 * The monitors (conmon) of running containers. One that is killed tells nobody when its container ends: Podman calls it
 * running for ever. It shares the memory of its pod, and the kernel may choose it when that is used up. As a container of
 * containerd ends with its shim, so does one with its monitor here: what is left of it is killed, and the exit file that
 * the monitor owes is written.
 */
export class Monitors {
  readonly #options: MonitorsOptions;
  /** Of running containers; `undefined`: it had ended when it was looked for. */
  readonly #known = new Map<string, ProcessIdentity | undefined>();
  readonly #lost = new Map<string, () => void>();

  constructor(options: MonitorsOptions) {
    this.#options = options;
  }

  /** Takes in the monitor of a container that runs, and looks whether it is there. */
  learn({ Id, State }: ContainerInspection, exits: ExitWatch): void {
    if (stateOf(State.Status, undefined) !== "running" || !State.ConmonPid) return;
    this.#known.set(Id, monitorOf(State.ConmonPid, Id));
    this.#check(Id, exits);
  }

  /** Looks after the monitors of these, the running containers, and forgets those of all others. */
  check(running: ReadonlySet<string>, exits: ExitWatch): void {
    for (const id of this.#known.keys()) {
      if (running.has(id)) this.#check(id, exits);
      else this.#known.delete(id);
    }
  }

  close(): void {
    for (const cancel of this.#lost.values()) cancel();
    this.#lost.clear();
  }

  #check(id: string, exits: ExitWatch): void {
    const monitor = this.#known.get(id);
    if (this.#lost.has(id) || (monitor !== undefined && isRunning(monitor))) return;
    const { clock, log } = this.#options;
    const cancel = clock.after(ORDERLY_END_MS, () => {
      this.#endUnwatched(id, exits)
        .catch((error) => {
          if (error instanceof PodmanError && error.status === 404) return; // removed meanwhile
          log.warn("Cannot end a container without a monitor", { id, error });
        })
        .finally(() => this.#lost.delete(id)); // the next check comes back to it
    });
    this.#lost.set(id, cancel);
  }

  async #endUnwatched(id: string, exits: ExitWatch): Promise<void> {
    const { client, own, log } = this.#options;
    const path = `/containers/${id}`;
    const inspection = await client.json<ContainerInspection>("GET", `${path}/json`);
    const isOver = stateOf(inspection.State.Status, undefined) !== "running";
    if (isOver || exits.seen(id) !== undefined) return;
    log.warn("Ending a container: its monitor (conmon) was killed", { id });
    await client.send("POST", `${path}/kill`, { query: { signal: "SIGKILL" } })
      .catch(() => {}); // it has ended already
    const cgroup = `${inspection.HostConfig?.CgroupParent ?? ""}/libpod-${id}`;
    if (own !== undefined && await wasKilledForMemory(cgroup)) {
      await Deno.writeTextFile(outOfMemoryMark(own, id), "");
    }
    await Deno.writeTextFile(`${exits.folder}/${id}.tmp`, String(KILLED_EXIT_CODE));
    await Deno.rename(`${exits.folder}/${id}.tmp`, `${exits.folder}/${id}`);
  }
}

/** conmon leaves a file in the container's bundle. At a Podman that is not ours only Podman knows. */
export async function wasOutOfMemory(own: OwnPodman | undefined, id: string): Promise<boolean> {
  if (own === undefined) return false;
  return await Deno.stat(outOfMemoryMark(own, id)).then(() => true, () => false);
}

function outOfMemoryMark({ storageFolder }: OwnPodman, id: string): string {
  return `${storageFolder}/overlay-containers/${id}/userdata/oom`;
}

/** The process of this pid if it is the monitor of the container: its command line names it. */
function monitorOf(pid: number, id: string): ProcessIdentity | undefined {
  try {
    const isIt = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes(id);
    return isIt ? identityOf(pid) : undefined;
  } catch {
    return undefined; // it has ended
  }
}

/** Whether the kernel has killed processes of this cgroup since it was out of memory. */
async function wasKilledForMemory(cgroup: string): Promise<boolean> {
  const files = [
    `${CGROUPS}${cgroup}/memory.events`, // version 2
    `${CGROUPS}/memory${cgroup}/memory.oom_control`,
  ];
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file).catch(() => "")));
  return texts.some((text) => Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0);
}
