import type { Duplex } from "node:stream";
import { ApiError } from "../../core/client/api_error.ts";
import type { ObjectName } from "../../core/client/client.ts";
import type { ContainerSession } from "../../core/client/container_session.ts";
import type {
  AttachRequest,
  ExecRequest,
  LogOptions,
  NodeStreams,
  PodPort,
  SessionStart,
} from "../../core/client/node_streams.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { Slots } from "../../core/lib/slots.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import { PodFolder } from "../folders/pod_folder.ts";
import { podLogs } from "../logs/pod_logs.ts";
import { connectToPod } from "../network/pod_connection.ts";
import type { PodNetwork } from "../network/pod_network.ts";
import type { PodWorker } from "../pods/pod_worker.ts";
import type { ContainerRuntime, ContainerState } from "../runtimes/container_runtime.ts";
import { FROM_NOW, LogSession } from "./log_session.ts";

/** Blocks of logs that are read at the same time, for all readers. */
const LOG_TURNS_MAX = 2;

export interface PodStreamsOptions {
  runtime: ContainerRuntime;
  network: Pick<PodNetwork, "list">;
  clock: Clock;
  /** Folder for the files of pods. */
  dataFolder: string;
  /** Who runs a pod, if it is one of this node. */
  workerOf(name: ObjectName): PodWorker | undefined;
}

/** What clients connect to in the pods of a node. */
export class PodStreams implements NodeStreams {
  readonly #options: PodStreamsOptions;
  readonly #logTurns = new Slots(LOG_TURNS_MAX);

  constructor(options: PodStreamsOptions) {
    this.#options = options;
  }

  logs(name: ObjectName, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { runtime, dataFolder, clock, workerOf } = this.#options;
    const worker = workerOf(name);
    if (worker?.pod === undefined) {
      throw new ApiError("NotFound", `pods "${name.name}" not found`, { kind: "pods" });
    }
    const log = podLogs({
      pod: worker.pod,
      options,
      signal,
      format: runtime.logFormat,
      clock,
      turns: this.#logTurns,
      containers: () => worker.containers,
      folder: new PodFolder(dataFolder, worker.pod.metadata.uid),
      subscribe: (listener) => worker.subscribe(listener),
    });
    return options.follow ? afterOpening(log) : log;
  }

  exec(name: ObjectName, request: ExecRequest): Promise<SessionStart> {
    const { runtime, workerOf } = this.#options;
    const id = runningContainer(workerOf(name)?.containers ?? [], request.container);
    return Promise.resolve(() => runtime.openExec(id, request.command, request.streams));
  }

  attach(name: ObjectName, { container, streams }: AttachRequest): Promise<SessionStart> {
    const { runtime, clock, workerOf } = this.#options;
    const { pod, containers = [] } = workerOf(name) ?? {};
    const id = runningContainer(containers, container);
    // Whether there is a terminal was decided when the container was made.
    const { tty = false, stdinOnce = false } = pod && containerNamed(pod.spec, container) || {};
    const wanted = { ...streams, tty, stderr: streams.stderr && !tty };
    return Promise.resolve(async () => {
      const session = await runtime.attach(id, wanted);
      if (session !== undefined) return stdinOnce ? session : withEndlessInput(session);
      const end = new AbortController();
      const options = { ...FROM_NOW, container, sinceMs: clock.now() };
      return new LogSession(this.logs(name, options, end.signal), end);
    });
  }

  async connect(name: ObjectName, target: PodPort): Promise<Duplex> {
    const { network, clock, workerOf } = this.#options;
    const { pod, containers = [] } = workerOf(name) ?? {};
    if (!pod || !containers.some(({ state }) => state === "running")) {
      throw new ApiError("InternalError", `pod not found ("${name.name}_${name.namespace}")`);
    }
    const addresses = await network.list();
    const address = addresses.find(({ podUid }) => podUid === pod.metadata.uid);
    return await connectToPod(pod, address, target, clock);
  }
}

/** Who follows a log may wait long for its first line. */
async function* afterOpening(log: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array();
  yield* log;
}

/** The container goes on reading when a client has left: another may come. */
function withEndlessInput(session: ContainerSession): ContainerSession {
  return {
    input: { write: (bytes) => session.input.write(bytes), end: () => Promise.resolve() },
    get output() {
      return session.output;
    },
    resize: (size) => session.resize(size),
    exitCode: () => session.exitCode(),
    close: () => session.close(),
  };
}

/** The id of the container of that name that runs. Throws an InternalError in the words of the kubelet, as it does. */
function runningContainer(containers: readonly ContainerState[], name: string): string {
  const found = containers.find((each) => each.name === name && each.state === "running");
  if (found) return found.id;
  throw new ApiError("InternalError", `container not found ("${name}")`);
}
