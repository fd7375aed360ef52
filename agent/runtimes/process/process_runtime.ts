import { ifAbsent } from "../../../core/lib/absent.ts";
import type { ContainerSession, WantedStreams } from "../../../core/client/container_session.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { DEFAULT_PATH, programPath } from "../../../core/lib/linux/program.ts";
import {
  isAlive,
  parseIdentity,
  type ProcessIdentity,
  signal,
} from "../../../core/lib/linux/process_identity.ts";
import {
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerState,
  type ExecResult,
  type Image,
  type ListedImage,
  RuntimeError,
} from "../container_runtime.ts";
import { checkImageUser } from "../image_user.ts";
import { LOG_LIMITS, type LogLimits } from "../log_limits.ts";
import { parseImageReference } from "../image_reference.ts";
import { runBounded } from "../bounded_command.ts";
import { environmentScript } from "./environment_script.ts";
import { ExitFolder } from "./exit_folder.ts";
import { type MadePath, MountPoints } from "./mount_points.ts";
import { joinedCommand, placedCommand, type PlacementTools, placementTools } from "./placement.ts";
import { FROM_SESSION, openProcessSession } from "./process_session.ts";
import { knownSignal, refuseUnkept } from "./refused_security.ts";
import { commandOf, envOf, readImage } from "./process_image.ts";
import { isSupervised, launch } from "./supervisor.ts";

/** What containerd reports for a container whose end nobody saw. */
const EXIT_CODE_UNKNOWN = 255;
/** After SIGKILL a process is gone at once, unless the kernel itself is stuck. */
const KILL_WAIT_MS = 10_000;

export interface ProcessRuntimeOptions {
  /** A folder of its own, kept across restarts: `images/`, `containers/`, `exits/`. */
  folder: string;
  clock: Clock;
  version: string;
  /** The kubelet's when absent. */
  logLimits?: LogLimits;
}

/** What is written down of a container, so that it is known after a restart. */
interface ContainerRecord {
  spec: ContainerSpec;
  imageId: string;
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  workingDir: string;
  made: readonly MadePath[];
}

/**
 * Containers as plain processes of this machine: no image, no isolation, no limits. For development, tests and
 * machines without Podman. What it does and does not do is in README.md beside this file.
 *
 * Guarantees: processes outlive this one, whatever ends it, and are found again by {@linkcode list};
 * a process number that was reused is never signalled.
 */
export class ProcessRuntime implements ContainerRuntime {
  readonly name = "process";
  readonly logFormat = "raw";
  readonly version: string;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #tools: PlacementTools;
  readonly #exits: ExitFolder;
  readonly #mountPoints: MountPoints;
  readonly #logLimits: LogLimits;

  /** Throws a {@linkcode RuntimeError} on a machine without util-linux. */
  constructor({ folder, clock, version, logLimits = LOG_LIMITS }: ProcessRuntimeOptions) {
    this.#logLimits = logLimits;
    this.version = `process://${version}`;
    this.#folder = folder;
    this.#clock = clock;
    this.#tools = placementTools();
    for (const name of ["images", "containers", "exits"]) {
      Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
    }
    this.#exits = new ExitFolder(`${folder}/exits`);
    this.#mountPoints = new MountPoints({
      isPrivileged: this.#tools.privileged !== undefined,
      load: () => this.#madePaths(),
    });
  }

  async list(): Promise<readonly ContainerState[]> {
    const states: ContainerState[] = [];
    for await (const { name } of Deno.readDir(`${this.#folder}/containers`)) {
      const state = await this.inspect(name);
      if (state !== undefined) states.push(state);
    }
    return states;
  }

  async inspect(id: string): Promise<ContainerState | undefined> {
    const record = await this.#record(id);
    if (record === undefined) return undefined;
    const { podUid, podName, podNamespace, name, restartCount, image } = record.spec;
    return {
      id,
      podUid,
      podName,
      podNamespace,
      name,
      restartCount,
      image,
      imageId: record.imageId,
      ...await this.#progress(id),
    };
  }

  /** Nothing is pulled: an image nobody wrote down is only a name. */
  async findImage(image: string): Promise<Image> {
    parseImageReference(image); // refuses what is none
    const known = await readImage(`${this.#folder}/images`, image);
    return { reference: known?.id ?? `process://${image}`, sizeBytes: 0 };
  }

  pullImage(image: string): Promise<Image> {
    return this.findImage(image);
  }

  listImages(): Promise<readonly ListedImage[]> {
    return Promise.resolve([]);
  }

  removeImage(): Promise<void> {
    return Promise.resolve();
  }

  async create(spec: ContainerSpec): Promise<string> {
    const id = `${spec.podUid}_${spec.name}_${spec.restartCount}`;
    if (await this.#record(id) !== undefined) return id;
    checkImageUser(spec, String(Deno.uid()));
    refuseUnkept(spec, this.#tools.privileged !== undefined);
    const known = await readImage(`${this.#folder}/images`, spec.image);
    const command = commandOf(spec, known?.image);
    const workingDir = spec.workingDir ?? known?.image.WorkingDir ?? "/";
    const env = { ...basicEnv(spec), ...envOf(known?.image), ...spec.env };
    placedCommand(spec, command, workingDir, this.#tools); // refuses what cannot be done here
    const imageId = known?.id ?? `process://${spec.image}`;
    await this.#mountPoints.make(
      id,
      spec.mounts,
      (made) => this.#write(id, { spec, imageId, command, env, workingDir, made }),
    );
    return id;
  }

  async start(id: string): Promise<void> {
    const record = await this.#existing(id);
    const { spec, command, workingDir } = record;
    if ((await this.#progress(id)).state !== "created") return;
    mustExist(record);
    await launch({
      setsid: this.#tools.setsid,
      command: placedCommand(spec, command, workingDir, this.#tools),
      environmentPath: await this.#environmentFile(id, record),
      identityPath: this.#identityPath(id),
      exitPath: this.#exits.path(id),
      logPath: spec.logPath,
      logLimits: this.#logLimits,
    });
  }

  async stop(id: string, graceMs: number): Promise<void> {
    const name = knownSignal((await this.#record(id))?.spec.stopSignal ?? "SIGTERM")!; // refused if not
    if (graceMs > 0 && this.#signal(id, name) && await this.#ended(id, graceMs)) return;
    this.#signal(id, "SIGKILL");
    if (await this.#ended(id, KILL_WAIT_MS)) return;
    throw new RuntimeError("RunContainerError", `Cannot stop "${id}": it does not end on SIGKILL`);
  }

  async remove(id: string): Promise<void> {
    if (await this.#record(id) === undefined) return;
    await this.stop(id, 0);
    await this.#mountPoints.remove(id);
    await Deno.remove(this.#exits.path(id)).catch(ifAbsent);
    await Deno.remove(`${this.#folder}/containers/${id}`, { recursive: true }).catch(ifAbsent);
  }

  async exec(id: string, command: readonly string[], deadlineMs: number): Promise<ExecResult> {
    const record = await this.#existing(id);
    return await runBounded({
      setsid: this.#tools.setsid,
      command: this.#joined(id, record, command),
      shown: command,
      environmentPath: await this.#environmentFile(id, record),
      deadlineMs,
      clock: this.#clock,
    });
  }

  async openExec(
    id: string,
    command: readonly string[],
    wanted: WantedStreams,
  ): Promise<ContainerSession> {
    const record = await this.#existing(id);
    return await openProcessSession({
      setsid: this.#tools.setsid,
      command: this.#joined(id, record, command),
      environment: environmentScript(record.env, FROM_SESSION),
      folder: `${this.#folder}/containers/${id}`,
      wanted,
      clock: this.#clock,
    });
  }

  #joined(
    id: string,
    { spec, workingDir }: ContainerRecord,
    command: readonly string[],
  ): readonly string[] {
    const identity = this.#identity(id);
    if (identity !== undefined && isAlive(identity)) {
      return joinedCommand(spec, identity.pid, command, workingDir, this.#tools);
    }
    throw new RuntimeError("RunContainerError", `Cannot exec in "${id}": it is not running`);
  }

  /** Their output goes to their log, and they read nothing. */
  attach(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onExit(listener: (id: string) => void): () => void {
    return this.#exits.subscribe(listener);
  }

  /** Removes folders that a killed predecessor left without a record. */
  async collectGarbage(): Promise<void> {
    for await (const { name } of Deno.readDir(`${this.#folder}/containers`)) {
      if (await this.#record(name) !== undefined) continue;
      await Deno.remove(`${this.#folder}/containers/${name}`, { recursive: true });
    }
  }

  close(): Promise<void> {
    this.#exits.close();
    return Promise.resolve();
  }

  async #progress(
    id: string,
  ): Promise<Pick<ContainerState, "state" | "startedAtMs" | "finishedAtMs" | "exitCode">> {
    const identity = this.#identity(id);
    if (identity === undefined) return { state: "created" };
    const startedAtMs = await modifiedMs(this.#identityPath(id)) ?? 0;
    const isThere = isAlive(identity) || isSupervised(identity, this.#identityPath(id));
    const exitCode = this.#exits.exitCode(id);
    if (exitCode === undefined && isThere) return { state: "running", startedAtMs };
    const finishedAtMs = await modifiedMs(this.#exits.path(id)) ?? startedAtMs;
    return {
      state: "exited",
      startedAtMs,
      finishedAtMs,
      exitCode: exitCode ?? this.#exits.exitCode(id) ?? EXIT_CODE_UNKNOWN,
    };
  }

  /** Signals all processes of a container. `false`: it has ended or was never started. */
  #signal(id: string, name: Deno.Signal): boolean {
    const identity = this.#identity(id);
    if (identity === undefined || this.#exits.exitCode(id) !== undefined) return false;
    return isAlive(identity) && signal(-identity.pid, name);
  }

  /** Waits until a container has ended. `false`: it has not within `limitMs`. */
  async #ended(id: string, limitMs: number): Promise<boolean> {
    const ended = Promise.withResolvers<boolean>();
    const unsubscribe = this.#exits.subscribe((other) => other === id && ended.resolve(true));
    const cancel = this.#clock.after(limitMs, () => ended.resolve(false));
    try {
      if ((await this.#progress(id)).state !== "running") return true;
      return await ended.promise;
    } finally {
      cancel();
      unsubscribe();
    }
  }

  #identity(id: string): ProcessIdentity | undefined {
    try {
      return parseIdentity(Deno.readTextFileSync(this.#identityPath(id)));
    } catch (error) {
      return ifAbsent(error);
    }
  }

  #identityPath(id: string): string {
    return `${this.#folder}/containers/${id}/identity`;
  }

  /** Made once: starts and execs read it. */
  async #environmentFile(id: string, { env }: ContainerRecord): Promise<string> {
    const path = `${this.#folder}/containers/${id}/environment`;
    if (await Deno.stat(path).catch(ifAbsent) !== undefined) return path;
    await Deno.writeTextFile(`${path}.new`, environmentScript(env), { mode: 0o600 });
    await Deno.rename(`${path}.new`, path);
    return path;
  }

  async #existing(id: string): Promise<ContainerRecord> {
    const record = await this.#record(id);
    if (record !== undefined) return record;
    throw new RuntimeError("RunContainerError", `Cannot find the container "${id}"`);
  }

  async #record(id: string): Promise<ContainerRecord | undefined> {
    try {
      return JSON.parse(await Deno.readTextFile(`${this.#folder}/containers/${id}/container.json`));
    } catch (error) {
      return ifAbsent(error);
    }
  }

  async #madePaths(): Promise<Map<string, readonly MadePath[]>> {
    const madeBy = new Map<string, readonly MadePath[]>();
    for await (const { name } of Deno.readDir(`${this.#folder}/containers`)) {
      const record = await this.#record(name);
      if (record !== undefined) madeBy.set(name, record.made);
    }
    return madeBy;
  }

  /** The record appears whole or not at all. */
  async #write(id: string, record: ContainerRecord): Promise<void> {
    const folder = `${this.#folder}/containers/${id}`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/new.json`, JSON.stringify(record), { mode: 0o600 });
    await Deno.rename(`${folder}/new.json`, `${folder}/container.json`);
  }
}

/**
 * What each container finds in its environment, as container runtimes give it; and the pod's address where it must
 * listen on that alone.
 */
function basicEnv({ hostname, podIP, network }: ContainerSpec): Record<string, string> {
  const sharesAddresses = network === "host" && podIP.startsWith("127.");
  return {
    PATH: Deno.env.get("PATH") ?? DEFAULT_PATH,
    HOME: Deno.env.get("HOME") ?? "/",
    HOSTNAME: hostname,
    ...(sharesAddresses && { POD_IP: podIP }),
  };
}

/** Says before the start what a container runtime says about its attempt, in runc's words. */
function mustExist({ command, env, workingDir, spec }: ContainerRecord): void {
  const isMounted = (path: string) =>
    spec.mounts.some(({ containerPath }) => path.startsWith(containerPath));
  const name = command[0] ?? "";
  if (!isMounted(name) && programPath(name, env.PATH) === undefined) {
    const state = name.includes("/")
      ? `stat ${name}: no such file or directory`
      : "executable file not found in $PATH";
    throw new RuntimeError("RunContainerError", `exec: "${name}": ${state}`);
  }
  if (!isMounted(workingDir) && !isFolder(workingDir)) {
    throw new RuntimeError("RunContainerError", `chdir "${workingDir}": no such file or directory`);
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // absent, or in a folder that may not be read
  }
}

async function modifiedMs(path: string): Promise<number | undefined> {
  return (await Deno.stat(path).catch(ifAbsent))?.mtime?.getTime();
}
