import { ifAbsent } from "../../core/lib/absent.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { qosClassOf } from "../../core/resources/core/pods/spec/qos.ts";
import { cgroupSettings, type CgroupVersion, type Controller } from "./cgroup_settings.ts";
import {
  type CgroupLimits,
  CPU_SHARES_MIN,
  cpuSharesOf,
  podCgroupLimits,
  type QosClass,
} from "./pod_limits.ts";

const CONTROLLERS: readonly Controller[] = ["cpu", "memory", "pids"];
/** What the node itself and its other programs can start however many processes its pods start. */
const PIDS_RESERVED = 1_000;

/** The cgroups of pods, below which their containers are. Every call may be repeated. */
export interface PodCgroups {
  /** The pod's, as a runtime takes it: `/cora0/burstable/podUID`. */
  parentOf(pod: Pod): string;
  /** Makes it, with what the pod may use now. */
  prepare(pod: Pod): Promise<void>;
  /** What still ends in it keeps it; then {@linkcode collectGarbage} removes it. */
  remove(podUid: string): Promise<void>;
  /** Removes what could not be removed before, and first of all what an agent before has left. */
  collectGarbage(): Promise<void>;
}

export interface CgroupFoldersOptions {
  /** Of the uppermost one; of this node alone on this machine. */
  name: string;
  /** Processes that a pod may have; -1 or absent: without a bound. */
  podPidsMax?: number;
  log: Log;
  /** Where the kernel shows them; elsewhere in tests. */
  root?: string;
}

/**
 * Pods in three tiers, as the kubelet has them: what is guaranteed; below it `burstable`, with a share of the CPU of what
 * its pods request; and `besteffort`, with what nobody else wants.
 *
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ , `pkg/kubelet/cm/qos_container_manager_linux.go`
 */
export class CgroupFolders implements PodCgroups {
  readonly #options: CgroupFoldersOptions;
  readonly #version: CgroupVersion;
  /** The upper folder of each hierarchy. */
  readonly #hierarchies: readonly string[];
  /** Paths of pods' cgroups that something still ends in. */
  readonly #leftovers = new Set<string>();
  #balancing: Promise<void> = Promise.resolve();
  /** What the burstable tier has. */
  #givenShares = 0;
  /** What the pods that are here request. */
  readonly #pods = new Map<string, { qos: QosClass; cpuShares: number }>();

  private constructor(
    options: CgroupFoldersOptions,
    version: CgroupVersion,
    hierarchies: readonly string[],
  ) {
    this.#options = options;
    this.#version = version;
    this.#hierarchies = hierarchies;
  }

  /** `undefined` where this process may make none; the log says why. */
  static async open(options: CgroupFoldersOptions): Promise<CgroupFolders | undefined> {
    const { root = "/sys/fs/cgroup", log } = options;
    try {
      const version = await isThere(`${root}/cgroup.controllers`) ? 2 : 1;
      const entries = version === 1 ? await Array.fromAsync(Deno.readDir(root)) : [];
      const folders = entries.filter(({ isDirectory }) => isDirectory)
        .map(({ name }) => `${root}/${name}`);
      const cgroups = new CgroupFolders(options, version, version === 2 ? [root] : folders);
      await cgroups.#removeBelow(cgroups.#tier("Guaranteed"));
      cgroups.#leftovers.clear(); // what runs is of pods that this agent will take over
      await cgroups.#makeTiers();
      return cgroups;
    } catch (error) {
      log.warn("Pods get no cgroups of their own", { error });
      return undefined;
    }
  }

  parentOf(pod: Pod): string {
    return `${this.#tier(qosClassOf(pod.spec))}/pod${pod.metadata.uid}`;
  }

  async prepare(pod: Pod): Promise<void> {
    const { uid } = pod.metadata;
    const { podPidsMax: pidsMax = -1 } = this.#options;
    const limits = podCgroupLimits(pod);
    await this.#make(this.parentOf(pod), { ...limits, ...(pidsMax > 0 && { pidsMax }) });
    const [known, qos] = [this.#pods.get(uid), qosClassOf(pod.spec)];
    this.#pods.set(uid, { qos, cpuShares: limits.cpuShares });
    if (known?.cpuShares !== limits.cpuShares) await this.#balance();
  }

  async remove(podUid: string): Promise<void> {
    if (this.#pods.delete(podUid)) await this.#balance();
    for (const qos of TIERS) await this.#removeBelow(`${this.#tier(qos)}/pod${podUid}`);
  }

  async collectGarbage(): Promise<void> {
    const leftovers = [...this.#leftovers];
    this.#leftovers.clear();
    for (const path of leftovers) await this.#removeBelow(path);
  }

  /** Removes all of it but what something runs in. Nothing can be made after it. */
  async close(): Promise<void> {
    await this.#removeBelow(this.#tier("Guaranteed"));
  }

  #tier(qos: QosClass): string {
    const upper = `/${this.#options.name}`;
    return qos === "Guaranteed" ? upper : `${upper}/${qos.toLowerCase()}`;
  }

  async #makeTiers(): Promise<void> {
    const pidsMax = Number(await Deno.readTextFile("/proc/sys/kernel/pid_max")) - PIDS_RESERVED;
    const cpuShares = cpuSharesOf(navigator.hardwareConcurrency * 1_000);
    await this.#make(this.#tier("Guaranteed"), { cpuShares, pidsMax });
    await this.#make(this.#tier("Burstable"), { cpuShares: CPU_SHARES_MIN });
    await this.#make(this.#tier("BestEffort"), { cpuShares: CPU_SHARES_MIN });
  }

  /** One after the other: the last one has seen all pods. */
  #balance(): Promise<void> {
    const turn = this.#balancing.then(() => this.#giveShares());
    this.#balancing = turn.catch(() => {}); // told to who asked
    return turn;
  }

  /** What all burstable pods request together is their share beside those that are guaranteed. */
  async #giveShares(): Promise<void> {
    const burstable = [...this.#pods.values()].filter(({ qos }) => qos === "Burstable");
    const shares = burstable.reduce((sum, { cpuShares }) => sum + cpuShares, 0);
    if (shares === this.#givenShares) return;
    await this.#make(this.#tier("Burstable"), { cpuShares: Math.max(CPU_SHARES_MIN, shares) });
    this.#givenShares = shares;
  }

  async #make(path: string, limits: CgroupLimits): Promise<void> {
    if (this.#version === 2) await this.#delegate(path);
    else for (const each of CONTROLLERS) await makeFolder(this.#folder(each) + path);
    for (const { controller, file, value } of cgroupSettings(this.#version, limits)) {
      await Deno.writeTextFile(`${this.#folder(controller)}${path}/${file}`, value, ONLY_WRITE);
    }
  }

  /** In version 2 a cgroup has the controllers that all above it have passed on. */
  async #delegate(path: string): Promise<void> {
    let folder = this.#hierarchies[0]!;
    for (const name of path.split("/").slice(1)) {
      const available = await Deno.readTextFile(`${folder}/cgroup.controllers`);
      const all = available.trim().split(/\s+/).map((each) => `+${each}`).join(" ");
      await Deno.writeTextFile(`${folder}/cgroup.subtree_control`, all, ONLY_WRITE);
      folder += `/${name}`;
      await makeFolder(folder);
    }
  }

  #folder(controller: Controller): string {
    return this.#version === 2
      ? this.#hierarchies[0]!
      : `${this.#options.root ?? "/sys/fs/cgroup"}/${controller}`;
  }

  async #removeBelow(path: string): Promise<void> {
    for (const hierarchy of this.#hierarchies) {
      if (!await removeEmpty(hierarchy + path)) this.#leftovers.add(path);
    }
  }
}

const TIERS: readonly QosClass[] = ["BestEffort", "Burstable", "Guaranteed"];
/** The kernel makes these files. */
const ONLY_WRITE: Deno.WriteFileOptions = { create: false };

async function makeFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
}

/** Removes a cgroup and those below it. False: something runs in one of them. */
async function removeEmpty(path: string): Promise<boolean> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory) await removeEmpty(`${path}/${name}`);
    }
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    if (isBusy(error)) return false;
    throw error;
  }
}

/** EBUSY: it has processes, or cgroups below it that do; ENOTEMPTY elsewhere than in the kernel's file system. */
function isBusy(error: unknown): boolean {
  return error instanceof Deno.errors.Busy ||
    (error instanceof Error && /\(os error (16|39)\)/.test(error.message));
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).catch(ifAbsent) !== undefined;
}
