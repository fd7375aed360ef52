import { messageOf } from "../../../core/lib/error_message.ts";
import { ifAbsent } from "../../../core/lib/absent.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { DEFAULT_PATH, programPath } from "../../../core/lib/linux/program.ts";
import {
  identityOf,
  isAlive,
  isRunning,
  type ProcessIdentity,
  signal,
} from "../../../core/lib/linux/process_identity.ts";
import { removeFolder } from "../../../core/lib/linux/folder_removal.ts";
import { makePrivateFolder } from "../../../core/lib/linux/private_folder.ts";
import { processesNaming } from "../../../core/lib/linux/process_table.ts";
import type { Log } from "../../../core/lib/log.ts";
import { conmonWrapper, containersConf, parseLimits, runtimeFor } from "./containers_conf.ts";
import { unmountBelow } from "../../../core/lib/linux/mount_table.ts";
import { PodmanClient } from "./podman_client.ts";
import { type OwnPodman, type Podman, PodmanUnavailable } from "./podman.ts";
import { endAll, removeHalfStarted, removeUnknown } from "./runtime_leftovers.ts";

/** A ready service answers in under a millisecond; one that is busy starting containers in some hundred. */
const PING_DEADLINE_MS = 5_000;
/** A service is ready in about 150 ms; on a slow card, with a new storage folder, in some seconds. */
const READY_DEADLINE_MS = 30_000;
/** After SIGTERM it finishes the requests in flight, which takes up to 2.3 s. */
const STOP_DEADLINE_MS = 10_000;
const STOP_CHECK_MS = 20;
/** Processes that are killed take a moment to let go of their mounts, on a busy machine a second. */
const DESTROY_RETRY_MS = 500;
const DESTROY_TRIES_MAX = 10;
const LISTEN_CHECK_MS = 5;
const LOG_TAIL_LENGTH_MAX = 500;
const CONMON_PATHS = ["/usr/libexec/podman", "/usr/local/libexec/podman", "/usr/lib/podman"];

/** Tries the given socket or, when none is given, the usual ones. `undefined`: none of these answers. */
export async function findPodman(
  { socketPath, clock }: { socketPath?: string; clock: Clock },
): Promise<Podman | undefined> {
  const runtimeFolder = Deno.env.get("XDG_RUNTIME_DIR");
  const usual = [
    ...(Deno.uid() === 0 ? ["/run/podman/podman.sock"] : []),
    ...(runtimeFolder === undefined ? [] : [`${runtimeFolder}/podman/podman.sock`]),
  ];
  for (const path of socketPath === undefined ? usual : [socketPath]) {
    const client = new PodmanClient({ socketPath: path, clock });
    try {
      const version = await client.ping(PING_DEADLINE_MS);
      const revive = async () => void await client.ping(PING_DEADLINE_MS);
      return { client, version, revive, stop: () => Promise.resolve(client.close()) };
    } catch {
      client.close(); // nobody there: the next one
    }
  }
  return undefined;
}

export interface PodmanServiceOptions {
  /** Kept: images and containers, configuration, log. */
  folder: string;
  /** Not kept over a reboot (by its absence Podman knows that there was one): socket, state. */
  runFolder?: string;
  clock: Clock;
  log: Log;
}

/**
 * Starts `podman system service` as a child with storage, state and configuration of its own, or adopts the one
 * that a killed predecessor left. Resolves when it answers.
 * Rejects with {@linkcode PodmanUnavailable} when that is not possible here, with a `SharedFolderError` when others
 * than this process' user can look into its run folder.
 */
export async function startPodmanService(options: PodmanServiceOptions): Promise<Podman> {
  const runFolder = options.runFolder ?? defaultRunFolder(options.folder);
  const service = new PodmanService({ ...options, runFolder });
  await service.revive();
  return service;
}

/** Where the service with this folder listens, when it is given no other one for its state. */
export function ownSocketPath(folder: string): string {
  return socketPathIn(defaultRunFolder(folder));
}

function socketPathIn(runFolder: string): string {
  return `${runFolder}/podman.sock`;
}

/** `/run` for root, the user's own runtime folder otherwise; a path that leaves room for a socket's name. */
function defaultRunFolder(folder: string): string {
  let hash = 5381;
  for (const character of folder) hash = (hash * 33 + character.charCodeAt(0)) >>> 0;
  return `${runtimeParent()}/coracle-${hash.toString(36)}`;
}

function runtimeParent(): string {
  if (Deno.uid() === 0) return "/run";
  return Deno.env.get("XDG_RUNTIME_DIR") ?? temporaryParent();
}

/** Anybody can make it before us. */
function temporaryParent(): string {
  return `/tmp/coracle-${Deno.uid()}`;
}

class PodmanService implements Podman {
  readonly client: PodmanClient;
  readonly own: OwnPodman;
  version = "unknown";
  readonly #options: Required<PodmanServiceOptions>;
  readonly #programs: Programs;
  #child: Deno.ChildProcess | undefined;
  #reviving: Promise<void> | undefined;
  #isOver = false;

  constructor(options: Required<PodmanServiceOptions>) {
    const { folder, runFolder, clock } = options;
    this.#options = options;
    this.#programs = requiredPrograms();
    this.client = new PodmanClient({ socketPath: socketPathIn(runFolder), clock });
    this.own = {
      exitsFolder: `${runFolder}/state/exits`,
      ociRuntime: this.#programs.ociRuntime,
      ociStateFolder: `${runtimeParent()}/${this.#programs.ociRuntimeName}`,
      storageFolder: `${folder}/storage`,
      destroy: () => this.#destroy(),
    };
  }

  revive(): Promise<void> {
    if (this.#isOver) {
      return Promise.reject(new PodmanUnavailable("Cannot start Podman again: it was stopped"));
    }
    this.#reviving ??= this.#revive().finally(() => this.#reviving = undefined);
    return this.#reviving;
  }

  /** Somebody who still asks must not start it again, when nobody is left to end it. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#reviving?.catch(() => {}); // its callers get the error
    this.client.close();
    const identity = await this.#identity();
    if (identity !== undefined) await this.#end(identity);
    this.#child?.ref(); // from now on there is something to wait for
    await this.#child?.status;
  }

  async #revive(): Promise<void> {
    await this.#claimRunFolder();
    const identity = await this.#identity();
    if (identity !== undefined && await this.#answers()) return;
    if (identity !== undefined) await this.#end(identity);
    await this.#configure();
    const ranBefore = await removeHalfStarted(this.own);
    await this.#start();
    await removeUnknown(this.client, this.own, ranBefore);
  }

  /** Before anything in it is trusted: another user could have put a Podman there. */
  async #claimRunFolder(): Promise<void> {
    const { runFolder } = this.#options;
    const parent = runFolder.slice(0, runFolder.lastIndexOf("/"));
    if (parent === temporaryParent()) await makePrivateFolder(parent);
    await makePrivateFolder(runFolder);
  }

  async #answers(): Promise<boolean> {
    try {
      this.version = await this.client.ping(PING_DEADLINE_MS);
      return true;
    } catch {
      return false; // it is stuck or gone
    }
  }

  async #configure(): Promise<void> {
    const { folder } = this.#options;
    await Deno.mkdir(`${folder}/networks`, { recursive: true, mode: 0o700 });
    await Deno.mkdir(this.own.exitsFolder, { recursive: true, mode: 0o700 });
    const [limitsText, pidMaxText] = await Promise.all(
      ["/proc/self/limits", "/proc/sys/kernel/pid_max"].map((path) => Deno.readTextFile(path)),
    );
    const conmonPath = `${folder}/conmon`;
    await Deno.writeTextFile(conmonPath, conmonWrapper(this.#programs.conmon));
    await Deno.chmod(conmonPath, 0o755);
    await Deno.writeTextFile(
      `${folder}/containers.conf`,
      containersConf({
        limits: parseLimits(limitsText ?? "", pidMaxText ?? ""),
        runtime: this.#programs.ociRuntimeName,
        conmonPath,
        networksFolder: `${folder}/networks`,
      }),
    );
    await Deno.remove(this.client.socketPath).catch(ifAbsent);
    await Deno.writeTextFile(this.#logPath, "");
  }

  /** Starts it in a session of its own, so that what ends this process does not end the service in mid-start. */
  async #start(): Promise<void> {
    const { folder, runFolder } = this.#options;
    using watcher = Deno.watchFs(runFolder, { recursive: false });
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", 'exec "$@" >>"$0" 2>&1', this.#logPath, this.#programs.podman]
        .concat("--root", `${folder}/storage`, "--runroot", `${runFolder}/storage`)
        .concat("--tmpdir", `${runFolder}/state`)
        .concat("system", "service", "--time=0", `unix://${this.client.socketPath}`),
      env: { CONTAINERS_CONF: `${folder}/containers.conf` },
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    child.unref();
    this.#child = child;
    const identity = identityOf(child.pid);
    await Deno.writeTextFile(this.#identityPath, JSON.stringify(identity ?? null));
    await this.#ready(child, watcher);
    this.#options.log.info("Podman service is ready", { version: this.version, pid: child.pid });
  }

  async #ready(child: Deno.ChildProcess, watcher: Deno.FsWatcher): Promise<void> {
    const end = Promise.withResolvers<never>();
    const over = new AbortController();
    child.status.then(({ code }) => end.reject(new Error(`it ended with code ${code}`)));
    const cancel = this.#options.clock.after(
      READY_DEADLINE_MS,
      () => end.reject(new Error(`it is not ready after ${READY_DEADLINE_MS} ms`)),
    );
    try {
      await Promise.race([this.#socketMade(watcher), end.promise]);
      this.version = await Promise.race([this.#listening(over.signal), end.promise]);
    } catch (error) {
      signal(child.pid, "SIGKILL");
      const state = messageOf(error);
      throw new PodmanUnavailable(
        `Cannot start "podman system service": ${state}: ${await this.#logTail()}`,
      );
    } finally {
      cancel();
      over.abort();
    }
  }

  async #socketMade(watcher: Deno.FsWatcher): Promise<void> {
    const isThere = () => Deno.stat(this.client.socketPath).then(() => true, () => false);
    if (await isThere()) return;
    for await (const _ of watcher) if (await isThere()) return;
  }

  /** The socket's file is there a moment before anybody listens. */
  async #listening(signal: AbortSignal): Promise<string> {
    while (true) {
      try {
        return await this.client.ping(READY_DEADLINE_MS);
      } catch {
        await this.#options.clock.sleep(LISTEN_CHECK_MS, signal); // rejects when it is over
      }
    }
  }

  async #logTail(): Promise<string> {
    const text = await Deno.readTextFile(this.#logPath).catch(() => "");
    return text.trim().slice(-LOG_TAIL_LENGTH_MAX).replaceAll(/\s+/g, " ") || "it said nothing";
  }

  /** The service that was started last, by us or by a predecessor, if it still runs. */
  async #identity(): Promise<ProcessIdentity | undefined> {
    try {
      const identity = JSON.parse(await Deno.readTextFile(this.#identityPath)) as
        | ProcessIdentity
        | null;
      return identity !== null && isAlive(identity) ? identity : undefined;
    } catch {
      return undefined; // never started, or killed while it was written
    }
  }

  /** SIGTERM, then SIGKILL. Looks again and again: an adopted service is not our child to wait for. */
  async #end(identity: ProcessIdentity): Promise<void> {
    signal(identity.pid, "SIGTERM");
    for (let waitedMs = 0; isRunning(identity); waitedMs += STOP_CHECK_MS) {
      if (waitedMs >= STOP_DEADLINE_MS) signal(identity.pid, "SIGKILL");
      await this.#options.clock.sleep(STOP_CHECK_MS);
    }
    await Deno.remove(this.#identityPath).catch(ifAbsent);
  }

  async #destroy(): Promise<void> {
    await this.stop();
    await endAll(this.own);
    for (let tries = 1;; tries++) {
      try {
        return await this.#removeFolders();
      } catch (error) {
        if (tries === DESTROY_TRIES_MAX) throw error;
        await this.#options.clock.sleep(DESTROY_RETRY_MS); // what was killed may still hold a mount
      }
    }
  }

  async #removeFolders(): Promise<void> {
    const { folder, runFolder } = this.#options;
    // The monitors of execs stay for some seconds, and would make the folders again.
    for (const { pid } of await processesNaming([folder, runFolder])) signal(pid, "SIGKILL");
    await unmountBelow([folder, runFolder]);
    await removeFolder(folder);
    await removeFolder(runFolder);
  }

  get #logPath(): string {
    return `${this.#options.folder}/service.log`;
  }

  get #identityPath(): string {
    return `${this.#options.runFolder}/service.json`;
  }
}

interface Programs {
  podman: string;
  conmon: string;
  ociRuntime: string;
  ociRuntimeName: string;
}

function requiredPrograms(): Programs {
  const path = `${Deno.env.get("PATH") ?? ""}:${DEFAULT_PATH}`;
  const podman = programPath("podman", path);
  if (podman === undefined) throw unavailable("it is not installed", "podman runc");
  const conmon = programPath("conmon", [path, ...CONMON_PATHS].join(":"));
  if (conmon === undefined) throw unavailable("conmon is not installed", "conmon");
  const installed = ["crun", "runc"].filter((name) => programPath(name, path) !== undefined);
  const ociRuntimeName = runtimeFor({
    hasControllers: exists("/sys/fs/cgroup/cgroup.controllers"),
    hasUnified: exists("/sys/fs/cgroup/unified"),
  }, installed);
  if (ociRuntimeName === undefined) {
    const state = installed.length === 0
      ? "no OCI runtime is installed"
      : "crun does not work with both versions of cgroups, and runc is not installed";
    throw unavailable(state, "runc");
  }
  return { podman, conmon, ociRuntimeName, ociRuntime: programPath(ociRuntimeName, path)! };
}

function unavailable(state: string, packages: string): PodmanUnavailable {
  return new PodmanUnavailable(
    `Cannot use Podman: ${state}; install it with "apt-get install ${packages}" or the like`,
  );
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false; // absent, or this is not Linux
  }
}
