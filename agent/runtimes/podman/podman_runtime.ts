import type { ContainerSession, WantedStreams } from "../../../core/client/container_session.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { Deadline } from "../../../core/lib/deadline.ts";
import type { Log } from "../../../core/lib/log.ts";
import {
  type ContainerRuntime,
  type ContainerSpec,
  type ContainerState,
  type ExecResult,
  type Image,
  type ListedImage,
  type RegistryCredentials,
  RuntimeError,
} from "../container_runtime.ts";
import { checkImageUser } from "../image_user.ts";
import { LOG_LIMITS, type LogLimits } from "../log_limits.ts";
import { execTimeout } from "../bounded_command.ts";
import { Slots } from "../../../core/lib/slots.ts";
import { containerName, createBody, LABEL, limitsOf } from "./container_create.ts";
import {
  type ContainerInspection,
  type ContainerListEntry,
  containerState,
  listedState,
  stateOf,
} from "./container_state.ts";
import { PodSandboxes } from "./pod_sandboxes.ts";
import { exitsFolderOf, ExitWatch } from "./exit_watch.ts";
import { Monitors, wasOutOfMemory } from "./monitors.ts";
import { PodmanImages } from "./podman_images.ts";
import { type PodmanClient, PodmanError, PodmanUnreachable } from "./podman_client.ts";
import { attach, exec, openExec } from "./podman_exec.ts";
import type { Podman } from "./podman.ts";

/** More starts at once make each slower and none faster (2 cores). */
const STARTS_IN_FLIGHT_MAX = 4;
/** Execs cost as much as starts, and probes come in bursts. */
const EXECS_IN_FLIGHT_MAX = 4;
/** Removes a container whatever its state, with its volumes. */
const FORCED = { force: "true", timeout: "0", v: "true", ignore: "true" };
/** What Podman says of a container whose storage does not know it, or its layer, any more. */
const FILES_LOST = /\b(container|layer) not known$/;
/** What Podman may take longer than the grace it was given. */
const STOP_MARGIN_MS = 30_000;

export interface PodmanRuntimeOptions {
  podman: Podman;
  /** Tells this agent's containers from those of others at the same Podman. The same after a restart. */
  owner: string;
  /** For what the first processes of pods run on: becomes theirs, and is kept. */
  sandboxFolder: string;
  clock: Clock;
  log: Log;
  /** The kubelet's when absent. */
  logLimits?: LogLimits;
}

/**
 * Containers by Podman's HTTP API; not by its pods, which cost twice as much: the pod's network namespace is
 * joined by path.
 *
 * Guarantees: names are derived, so that a repeated create finds the container that is there; labels hold all
 * that {@linkcode list} returns; an exit is reported within milliseconds by the exit files of conmon.
 */
export class PodmanRuntime implements ContainerRuntime {
  readonly name = "podman";
  readonly logFormat = "cri";
  readonly version: string;
  readonly #podman: Podman;
  readonly #client: PodmanClient;
  readonly #owner: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #logLimits: LogLimits;
  readonly #images: PodmanImages;
  readonly #sandboxes: PodSandboxes;
  readonly #starts = new Slots(STARTS_IN_FLIGHT_MAX);
  readonly #execs = new Slots(EXECS_IN_FLIGHT_MAX);
  readonly #listeners = new Set<(id: string) => void>();
  /** States that do not change any more, or only by an end: spares an inspection per container and list. */
  readonly #known = new Map<string, ContainerState>();
  readonly #monitors: Monitors;
  #exits: ExitWatch | undefined;

  constructor(options: PodmanRuntimeOptions) {
    const { podman, owner, sandboxFolder, clock, log, logLimits = LOG_LIMITS } = options;
    this.#logLimits = logLimits;
    this.version = `podman://${podman.version}`;
    this.#podman = podman;
    this.#client = podman.client;
    this.#owner = owner;
    this.#clock = clock;
    this.#log = log;
    this.#images = new PodmanImages(podman.client, clock);
    this.#sandboxes = new PodSandboxes({ client: podman.client, owner, rootFolder: sandboxFolder });
    this.#monitors = new Monitors({ client: podman.client, own: podman.own, clock, log });
    if (podman.own !== undefined) this.#watchExits(podman.own.exitsFolder);
  }

  async list(): Promise<readonly ContainerState[]> {
    const entries = await this.#entries();
    const ids = new Set(entries.map(({ Id }) => Id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    const running = entries.filter((entry) => listedState(entry) === "running");
    if (this.#exits) this.#monitors.check(new Set(running.map(({ Id }) => Id)), this.#exits);
    const states = await Promise.all(entries.map((entry) => {
      const known = this.#known.get(entry.Id);
      const isUnchanged = known?.state === listedState(entry);
      return isUnchanged ? this.#withSeenExit(known) : this.#look(entry.Id);
    }));
    return states.filter((state) => state !== undefined);
  }

  /** Does not ask Podman about an end that was seen: it is cleaning up then, and answers late. */
  async inspect(id: string): Promise<ContainerState | undefined> {
    const known = this.#known.get(id);
    const isSeen = known?.state === "running" && this.#podman.own !== undefined &&
      this.#exits?.seen(id) !== undefined;
    return isSeen ? await this.#withSeenExit(known) : await this.#look(id);
  }

  async #look(id: string): Promise<ContainerState | undefined> {
    const inspection = await this.#inspection(id).catch((error) => this.#removeBroken(id, error));
    if (inspection === undefined) return undefined;
    this.#learnExitsFolder(inspection);
    if (this.#exits) this.#monitors.learn(inspection, this.#exits);
    const state = containerState(inspection);
    if (state !== undefined && isSettled(inspection)) this.#known.set(id, state);
    else this.#known.delete(id);
    return state && await this.#withSeenExit(state);
  }

  /** A loss of power in mid-start leaves an entry without its files, which nobody can look at, start or end. */
  async #removeBroken(id: string, error: unknown): Promise<undefined> {
    const isBroken = error instanceof RuntimeError && FILES_LOST.test(error.message);
    if (!isBroken || this.#podman.own === undefined) throw error;
    this.#log.warn("Removing a container that has lost its files", { id, error });
    await this.#client.send("DELETE", `/containers/${id}`, { query: FORCED });
  }

  findImage(image: string): Promise<Image | undefined> {
    return this.#ask("ImageInspectError", () => this.#images.find(image));
  }

  pullImage(image: string, credentials?: RegistryCredentials): Promise<Image> {
    return this.#ask("ErrImagePull", () => this.#images.pull(image, credentials));
  }

  loadImage(archive: ReadableStream<Uint8Array>): Promise<readonly string[]> {
    return this.#ask("RuntimeUnavailable", () => this.#images.load(archive));
  }

  listImages(): Promise<readonly ListedImage[]> {
    return this.#ask("RuntimeUnavailable", () => this.#images.list());
  }

  async removeImage(id: string): Promise<void> {
    await this.#unlessGone(() => this.#images.remove(id));
  }

  async create(spec: ContainerSpec): Promise<string> {
    const image = this.#images.fullName(spec.image);
    const logBytesMax = this.#logLimits.bytesMax;
    return await this.#ask("CreateContainerError", async () => {
      const processesOfPid = await this.#pidOf(spec.processesOf);
      if (spec.security.runAsNonRoot) checkImageUser(spec, await this.#images.userOf(spec.image));
      const shared = spec.sharesProcesses && await this.#sandboxes.open(spec);
      const given = { owner: this.#owner, image, logBytesMax, processesOfPid, shared };
      const body = createBody(spec, given);
      try {
        const { Id } = await this.#client.json<{ Id: string }>("POST", "/containers/create", {
          body,
        });
        return Id;
      } catch (error) {
        if (!isBecause(error, "already in use")) throw error;
        return (await this.#inspection(containerName(spec)))?.Id ?? raise(error);
      }
    });
  }

  async #pidOf(id: string | undefined): Promise<number | undefined> {
    if (id === undefined) return undefined;
    const pid = (await this.#inspection(id))?.State.Pid;
    if (!pid) throw new RuntimeError("CreateContainerError", `container "${id}" does not run`);
    return pid;
  }

  /** After a failed start the container stays as created, and Podman remembers no error: keep what this throws. */
  async start(id: string): Promise<void> {
    await this.#starts.use(() =>
      this.#ask("RunContainerError", () => this.#client.send("POST", `/containers/${id}/start`))
    );
    if (this.#exits !== undefined) {
      this.#look(id).catch(() => {}); // known now, its end is understood at once; else the end asks
      return;
    }
    // The first one shows where exit files are, unless it has ended by then.
    if ((await this.#look(id))?.state === "exited") this.#report(id);
  }

  async resize(id: string, amounts: Pick<ContainerSpec, "limits" | "requests">): Promise<void> {
    const body = limitsOf(amounts);
    await this.#ask(
      "RunContainerError",
      () => this.#client.send("POST", `/containers/${id}/update`, { body }),
    );
  }

  /**
   * Podman's own stop takes the container for one that is "stopping" from its first signal on, and lets nobody run a
   * command in it any more: hooks, probes and people go on working in a pod until it has ended. So it is only told to
   * kill what outlived its grace.
   */
  async stop(id: string, graceMs: number): Promise<void> {
    const exits = this.#exits;
    const isLeftToPodman = exits === undefined;
    if (!isLeftToPodman && graceMs > 0 && await this.#endsWithin(id, graceMs, exits)) return;
    await this.#stop(id, isLeftToPodman ? graceMs : 0);
  }

  /** Sends the stop signal; whether the container has ended before its grace. */
  async #endsWithin(id: string, graceMs: number, exits: ExitWatch): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const silence = this.onExit((ended) => ended === id && resolve(true));
    const cancel = this.#clock.after(graceMs, () => resolve(false));
    try {
      const signal = (await this.#inspection(id))?.Config.StopSignal ?? "SIGTERM";
      await this.#unlessGone(() =>
        this.#client.send("POST", `/containers/${id}/kill`, { query: { signal: String(signal) } })
      );
      return exits.seen(id) !== undefined || await promise;
    } catch {
      return false; // it does not run, or Podman does not answer: what is said then is said of the stop
    } finally {
      cancel();
      silence();
    }
  }

  async #stop(id: string, graceMs: number): Promise<void> {
    const timeout = String(Math.ceil(graceMs / 1000));
    try {
      await this.#unlessGone(() =>
        this.#client.send("POST", `/containers/${id}/stop`, {
          query: { timeout },
          deadlineMs: graceMs + STOP_MARGIN_MS,
        })
      );
    } catch (error) {
      // Podman waits for the exit file, which its own clean-up of that end may have taken away already.
      const state = await this.#look(id).catch(() => raise(error));
      if (state?.state === "running") throw error;
    }
  }

  async remove(id: string): Promise<void> {
    this.#known.delete(id);
    try {
      await this.#unlessGone(() =>
        this.#client.send("DELETE", `/containers/${id}`, { query: FORCED })
      );
    } catch (error) {
      // "device or resource busy" may be said of a container that is gone nevertheless.
      if (await this.#inspection(id) !== undefined) throw error;
    }
  }

  async releasePod(podUid: string): Promise<void> {
    await this.#ask("RuntimeUnavailable", () => this.#sandboxes.remove(podUid));
  }

  async exec(id: string, command: readonly string[], deadlineMs: number): Promise<ExecResult> {
    const late = () => execTimeout(command);
    using deadline = new Deadline({ clock: this.#clock, ms: deadlineMs, late });
    return await this.#execs.use(
      () => this.#ask("RunContainerError", () => exec(this.#client, id, command, deadline.signal)),
      deadline.signal,
    );
  }

  async openExec(
    id: string,
    command: readonly string[],
    wanted: WantedStreams,
  ): Promise<ContainerSession> {
    return await this.#ask("RunContainerError", () => openExec(this.#client, id, command, wanted));
  }

  async attach(id: string, wanted: WantedStreams): Promise<ContainerSession> {
    return await this.#ask("RunContainerError", () => attach(this.#client, id, wanted));
  }

  onExit(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Removes what was created and never started. What a killed service left is removed when it is started again. */
  async collectGarbage(): Promise<void> {
    for (const entry of await this.#entries()) {
      if (listedState(entry) !== "created") continue;
      const { Id } = entry;
      this.#log.info("Removing a container that was never started", { id: Id });
      await this.remove(Id);
    }
  }

  /** Leaves Podman and the containers as they are. */
  close(): Promise<void> {
    this.#monitors.close();
    this.#exits?.close();
    this.#exits = undefined;
    return Promise.resolve();
  }

  async #entries(): Promise<readonly ContainerListEntry[]> {
    const filters = JSON.stringify({ label: [`${LABEL.owner}=${this.#owner}`] });
    return await this.#ask(
      "RuntimeUnavailable",
      () =>
        this.#client.json<ContainerListEntry[]>("GET", "/containers/json", {
          query: { all: "true", filters },
        }),
    );
  }

  async #inspection(idOrName: string): Promise<ContainerInspection | undefined> {
    return await this.#unlessGone(() =>
      this.#client.json<ContainerInspection>("GET", `/containers/${idOrName}/json`)
    );
  }

  /** Podman hears of an end later than we do. */
  async #withSeenExit(state: ContainerState): Promise<ContainerState> {
    const exit = this.#exits?.seen(state.id);
    if (exit === undefined || state.state !== "running") return state;
    const { exitCode, atMs } = exit;
    const oomKilled = await wasOutOfMemory(this.#podman.own, state.id);
    const end = { exitCode, finishedAtMs: atMs, ...(oomKilled && { oomKilled }) };
    const { pid: _pid, layerFolder: _layer, ...rest } = state;
    return { ...rest, state: "exited", ...end };
  }

  #learnExitsFolder({ State }: ContainerInspection): void {
    if (this.#exits !== undefined || !State.ConmonPid) return;
    const folder = exitsFolderOf(State.ConmonPid);
    if (folder !== undefined) this.#watchExits(folder);
  }

  #watchExits(folder: string): void {
    this.#exits = new ExitWatch(folder, (id) => this.#report(id));
  }

  #report(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }

  async #unlessGone<T>(act: () => Promise<T>): Promise<T | undefined> {
    return await this.#ask("RuntimeUnavailable", async () => {
      try {
        return await act();
      } catch (error) {
        if (error instanceof PodmanError && error.status === 404) return undefined;
        throw error;
      }
    });
  }

  /** Turns Podman's errors into the agent's. A service that does not answer is revived, once, for the next call. */
  async #ask<T>(reason: RuntimeError["reason"], act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof PodmanError) throw new RuntimeError(reason, error.message);
      if (!(error instanceof PodmanUnreachable)) throw error;
      await this.#podman.revive().catch((cause) => {
        throw new RuntimeError("RuntimeUnavailable", cause.message);
      });
      throw new RuntimeError("RuntimeUnavailable", error.message);
    }
  }
}

/** Whether it will not change, or only by an exit, which is reported. */
function isSettled({ State }: ContainerInspection): boolean {
  return stateOf(State.Status, undefined) === "running" || State.Status === "exited";
}

function isBecause(error: unknown, text: string): boolean {
  return error instanceof PodmanError &&
    (error.reason.includes(text) || error.message.includes(text));
}

function raise(error: unknown): never {
  throw error;
}
