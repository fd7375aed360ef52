import { identityOf, isRunning } from "../../../core/lib/linux/process_identity.ts";
import { type ContainerSpec, RuntimeError } from "../container_runtime.ts";
import { LABEL, type PodNamespaces } from "./container_create.ts";
import { pauseProgram } from "./pause_program.ts";
import { type PodmanClient, PodmanError } from "./podman_client.ts";

/** Distinguishes sandboxes from containers, and two agents at one Podman. */
const OWNER = "coracle.dev/sandbox-owner";
/** As whom the kubelet's sandboxes run. */
const NOBODY = "65535:65535";
const PROGRAM = "pause";

interface Inspection {
  Id: string;
  /** In the container's bundle. */
  OCIConfigPath?: string;
  State: { Status: string; Pid?: number };
}

export interface PodSandboxesOptions {
  client: PodmanClient;
  owner: string;
  /** Becomes the root of all sandboxes, with one program in it. */
  rootFolder: string;
}

/**
 * A container per pod that wants its containers to see each other's processes. It does nothing but hold their process
 * and IPC namespaces, and be the parent of orphans, as the sandbox of a kubelet. When it ends, the kernel kills
 * all processes of the pod (pid_namespaces(7)); the next container that is made gets another one.
 *
 * Guarantees: a container that may trace it finds no right in it that its pod does not have: no capability, no user of the
 * node, no file but its program, no network. Found again by its name after a restart of the agent.
 */
export class PodSandboxes {
  readonly #options: PodSandboxesOptions;
  /** The pods that have one; `undefined`: nobody has looked yet. */
  #known: Promise<Set<string>> | undefined;
  /** The containers of a pod start at once. */
  readonly #opening = new Map<string, Promise<PodNamespaces>>();
  #root: Promise<void> | undefined;

  constructor(options: PodSandboxesOptions) {
    this.#options = options;
  }

  /** Makes the sandbox of a container's pod, unless it is there. */
  async open(spec: ContainerSpec): Promise<PodNamespaces> {
    const { podUid } = spec;
    const opening = this.#opening.get(podUid) ??
      this.#open(spec).finally(() => this.#opening.delete(podUid));
    this.#opening.set(podUid, opening);
    return await opening;
  }

  /** Ends what still runs in it. Asks Podman only when the pod has one. */
  async remove(podUid: string): Promise<void> {
    const known = await this.#pods();
    if (!known.has(podUid)) return;
    await this.#opening.get(podUid)?.catch(() => {}); // who asked gets the error
    await this.#remove(podUid);
    known.delete(podUid);
  }

  async #open(spec: ContainerSpec): Promise<PodNamespaces> {
    const { podUid } = spec;
    const known = await this.#pods();
    known.add(podUid);
    const there = namespacesOf(await this.#inspection(podUid));
    if (there !== undefined) return there;
    await this.#remove(podUid);
    await (this.#root ??= this.#makeRoot().catch((error) => {
      this.#root = undefined;
      throw error;
    }));
    const { client, owner, rootFolder } = this.#options;
    const body = sandboxBody(spec, { owner, rootFolder });
    const { Id } = await client.json<{ Id: string }>("POST", "/containers/create", { body });
    await client.send("POST", `/containers/${Id}/start`);
    const made = namespacesOf(await this.#inspection(podUid));
    if (made !== undefined) return made;
    throw new RuntimeError("CreateContainerError", `the sandbox of pod "${podUid}" does not run`);
  }

  async #makeRoot(): Promise<void> {
    const { rootFolder } = this.#options;
    const program = pauseProgram(Deno.build.arch);
    if (program === undefined) {
      const message = `shareProcessNamespace is not possible on machines of ${Deno.build.arch}`;
      throw new RuntimeError("CreateContainerError", message);
    }
    await Deno.mkdir(rootFolder, { recursive: true });
    await Deno.chmod(rootFolder, 0o755); // for its user, whatever the umask
    const path = `${rootFolder}/${PROGRAM}`;
    if (await Deno.stat(path).then(({ size }) => size === program.length, () => false)) return;
    await Deno.writeFile(`${path}.new`, program);
    await Deno.chmod(`${path}.new`, 0o555);
    await Deno.rename(`${path}.new`, path); // those that run keep theirs
  }

  #pods(): Promise<Set<string>> {
    return this.#known ??= this.#list().catch((error) => {
      this.#known = undefined;
      throw error;
    });
  }

  async #list(): Promise<Set<string>> {
    const { client, owner } = this.#options;
    const filters = JSON.stringify({ label: [`${OWNER}=${owner}`] });
    const entries = await client.json<{ Labels: Record<string, string> | null }[]>(
      "GET",
      "/containers/json",
      { query: { all: "true", filters } },
    );
    return new Set(entries.flatMap(({ Labels }) => Labels?.[LABEL.podUid] ?? []));
  }

  async #inspection(podUid: string): Promise<Inspection | undefined> {
    const path = `/containers/${sandboxName(podUid)}/json`;
    return await unlessAbsent(this.#options.client.json<Inspection>("GET", path));
  }

  async #remove(podUid: string): Promise<void> {
    const query = { force: "true", timeout: "0", v: "true", ignore: "true" };
    const path = `/containers/${sandboxName(podUid)}`;
    try {
      await unlessAbsent(this.#options.client.send("DELETE", path, { query }));
    } catch (error) {
      // "device or resource busy" may be said of a container that is gone nevertheless.
      if (await this.#inspection(podUid) !== undefined) throw error;
    }
  }
}

function sandboxName(podUid: string): string {
  return `k8s_POD_${podUid}`;
}

/** The body of `POST /containers/create`. */
export function sandboxBody(
  { podUid, podName, podNamespace, cgroupParent }: ContainerSpec,
  { owner, rootFolder }: Pick<PodSandboxesOptions, "owner" | "rootFolder">,
): Record<string, unknown> {
  return {
    name: sandboxName(podUid),
    rootfs: rootFolder,
    entrypoint: [`/${PROGRAM}`],
    labels: {
      [OWNER]: owner,
      [LABEL.podUid]: podUid,
      [LABEL.podName]: podName,
      [LABEL.podNamespace]: podNamespace,
    },
    user: NOBODY,
    cap_drop: ["ALL"],
    no_new_privileges: true,
    read_only_filesystem: true,
    netns: { nsmode: "none" },
    ipcns: { nsmode: "shareable" },
    restart_policy: "no",
    systemd: "false",
    log_configuration: { driver: "none" },
    ...(cgroupParent !== undefined && { cgroup_parent: cgroupParent }),
  };
}

/** `undefined` when it does not run, whatever Podman has heard of that. */
function namespacesOf(inspection: Inspection | undefined): PodNamespaces | undefined {
  const { State, OCIConfigPath } = inspection ?? {};
  const pid = State?.Pid;
  if (State?.Status !== "running" || !pid || !OCIConfigPath) return undefined;
  const identity = identityOf(pid);
  if (identity === undefined || !isRunning(identity)) return undefined;
  return { pid, sharedMemory: `${OCIConfigPath.slice(0, OCIConfigPath.lastIndexOf("/"))}/shm` };
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof PodmanError && error.status === 404) return undefined;
    throw error;
  }
}
