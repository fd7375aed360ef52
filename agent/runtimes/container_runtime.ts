import type { ContainerSession, WantedStreams } from "../../core/client/container_session.ts";

/** A container that this agent owns, as the runtime sees it. */
export interface ContainerState {
  id: string;
  podUid: string;
  podName: string;
  podNamespace: string;
  /** Name of the container in its pod. */
  name: string;
  /** How often the container had been restarted when this one was made: 0 for the first. */
  restartCount: number;
  state: "created" | "running" | "exited";
  image: string;
  /** {@linkcode Image.reference} of its image. */
  imageId: string;
  /** Its first process, as the node sees it, while it runs. */
  pid?: number;
  /** The folder of the layer that it writes to, when the runtime knows. */
  layerFolder?: string;
  startedAtMs?: number;
  finishedAtMs?: number;
  exitCode?: number;
  /** The signal that ended it, when the runtime knows. */
  signal?: number;
  oomKilled?: boolean;
  /** Ids of the devices of the node that it was given. */
  devices?: readonly string[];
}

/** A directory or file of the node that a container sees. */
export interface Mount {
  hostPath: string;
  containerPath: string;
  readOnly: boolean;
  /** Whether mounts that are made later are seen in the container, or on both sides. Absent: on neither. */
  propagation?: "slave" | "shared";
}

/** A device of the node that a container sees as a file of its own. */
export interface DeviceMount {
  /** A real path. */
  hostPath: string;
  containerPath: string;
  readOnly: boolean;
}

/** The files of an image that a container sees, and cannot write to. */
export interface ImageMount {
  /** It is on this machine. */
  image: string;
  containerPath: string;
}

/** All that a runtime needs to make one container. Everything of the API is resolved before. */
export interface ContainerSpec {
  podUid: string;
  podName: string;
  podNamespace: string;
  /** Name of the container in its pod. */
  name: string;
  restartCount: number;
  image: string;
  /** Kubernetes' `command`: replaces the image's entrypoint. Absent: the image's. */
  command?: readonly string[];
  /** Kubernetes' `args`: replaces the image's command. */
  args?: readonly string[];
  env: Readonly<Record<string, string>>;
  workingDir?: string;
  mounts: readonly Mount[];
  imageMounts?: readonly ImageMount[];
  volumeDevices?: readonly DeviceMount[];
  hostname: string;
  /** File that receives the log, in the runtime's {@linkcode ContainerRuntime.logFormat}; its folder exists. */
  logPath: string;
  /** Where the pod's network is: the path of a namespace, or the node's own network. */
  network: { namespacePath: string } | "host";
  /** Address of the pod, given to processes that must bind it themselves. */
  podIP: string;
  /** Parent cgroup, when the agent has made one for the pod. */
  cgroupParent?: string;
  limits: { cpuMillis?: number; memoryBytes?: number };
  requests: { cpuMillis?: number };
  /** Devices of the node that it is given: ids for {@linkcode ContainerState.devices}, and as `Device.device` says. */
  devices?: readonly { readonly id: string; readonly device: string }[];
  /** Processes that it may have; -1: any number; absent: what the runtime gives by itself. */
  pidsMax?: number;
  /** How soon the kernel ends it when the node has no memory left; absent: what the runtime does by itself. */
  oomScoreAdj?: number;
  security: {
    runAsUser?: number;
    runAsGroup?: number;
    /** With no {@linkcode runAsUser}: an image whose user is root, or not known to be another, is refused. */
    runAsNonRoot?: true;
    privileged?: boolean;
    readOnlyRootFilesystem?: boolean;
    allowPrivilegeEscalation?: boolean;
    capabilitiesAdd?: readonly string[];
    capabilitiesDrop?: readonly string[];
    /** Further group ids of the first process, beside those that the image gives its user. */
    supplementalGroups?: readonly number[];
    /** Absent: what the runtime does by itself. */
    seccomp?: "RuntimeDefault" | "Unconfined" | { readonly file: string };
    /** Its label, where the node has SELinux; elsewhere it means nothing, as in Kubernetes. */
    seLinux?: { user?: string; role?: string; type?: string; level?: string };
    appArmor?: "RuntimeDefault" | "Unconfined" | { readonly profile: string };
    /** Kernel settings of the namespaces of the pod. */
    sysctls?: Readonly<Record<string, string>>;
    /** Whether it sees the processes of the node, and shares its System V IPC. */
    hostPid?: true;
    hostIpc?: true;
  };
  /** Signal that asks it to end, e.g. `SIGUSR1`; absent: the image's, or SIGTERM. */
  stopSignal?: string;
  /** Id of the running container whose processes it sees, by a namespace that they share. */
  processesOf?: string;
  /** Whether all containers of the pod that say so see each other's processes; the first of these is none of theirs. */
  sharesProcesses?: true;
  tty: boolean;
  stdin: boolean;
}

/** An image on this machine. */
export interface Image {
  /** What statuses call it: its repository and digest, or only an id when it has come from nowhere. */
  reference: string;
  sizeBytes: number;
}

export interface ListedImage extends Image {
  id: string;
  /** With tags, and with digests. */
  names: readonly string[];
  /** Whether a container is made of it, running or not. */
  isUsed: boolean;
}

/** What a registry is told of who pulls. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

export interface ExecResult {
  exitCode: number;
  /** What it wrote to both streams, cut off at 10 KB as the kubelet does for probes. */
  output: string;
}

/** Why a runtime could not do something, in the words that a pod's status shows. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
  constructor(
    /** As in `containerStatuses[].state.waiting.reason`. */
    readonly reason:
      | "ErrImagePull"
      | "ErrImageNeverPull"
      | "ImageInspectError"
      | "InvalidImageName"
      | "CreateContainerError"
      | "RunContainerError"
      | "RuntimeUnavailable",
    message: string,
  ) {
    super(message);
  }
}

/**
 * What runs containers: Podman, plain processes, or the simulator. Every call may be repeated: doing what is
 * already done succeeds. Failures are {@linkcode RuntimeError}s.
 */
export interface ContainerRuntime {
  /** Stands before the ids of its containers in statuses: `podman://…`. */
  readonly name: string;
  /** As in `node.status.nodeInfo.containerRuntimeVersion`, e.g. `podman://4.3.1`. */
  readonly version: string;
  /** What the runtime writes to `logPath`: the name of a format in `agent/logs/mod.ts`. */
  readonly logFormat: string;
  /** Everything that this agent owns, running or not: the only truth after a restart. */
  list(): Promise<readonly ContainerState[]>;
  /** One container as it is now; `undefined` when it is gone. */
  inspect(id: string): Promise<ContainerState | undefined>;
  /** The image of a name, if it is on this machine. Rejects with `InvalidImageName`. */
  findImage(image: string): Promise<Image | undefined>;
  /** Fetches an image from its registry; what is there already is not fetched again. */
  pullImage(image: string, credentials?: RegistryCredentials): Promise<Image>;
  /**
   * Makes images of an archive of an OCI layout, of which layers may be missing that it has. Resolves with their names; rejects
   * with a {@linkcode RuntimeError}. Absent: it has no images.
   */
  loadImage?(archive: ReadableStream<Uint8Array>): Promise<readonly string[]>;
  listImages(): Promise<readonly ListedImage[]>;
  /** Removes an image with all its names. Rejects when a container uses it, whoever made that. */
  removeImage(id: string): Promise<void>;
  /**
   * Makes a container of a name derived from pod uid, container and restart count. Resolves with its id. Rejects
   * with a `ConfigError` when `runAsNonRoot` does not hold.
   */
  create(spec: ContainerSpec): Promise<string>;
  start(id: string): Promise<void>;
  /**
   * Changes what a running container may use. Absent where that is not possible. Rejects when it uses more memory than it
   * may.
   */
  resize?(id: string, amounts: Pick<ContainerSpec, "limits" | "requests">): Promise<void>;
  /** SIGTERM (or the image's stop signal), then SIGKILL after `graceMs`. Resolves when it has ended. */
  stop(id: string, graceMs: number): Promise<void>;
  /** Removes a container, running or not. Its log stays. */
  remove(id: string): Promise<void>;
  /** Takes away what the runtime itself keeps for a pod whose containers have ended. Absent: nothing. */
  releasePod?(podUid: string): Promise<void>;
  /**
   * Runs a command inside. Rejects with a `DOMException` named `TimeoutError` when the deadline passes first;
   * the command is then killed where possible. A command that does not exist ends with exit code 127.
   */
  exec(id: string, command: readonly string[], deadlineMs: number): Promise<ExecResult>;
  /**
   * Runs a command inside, connected to streams, for as long as it likes. One that does not exist ends with exit code 127,
   * or is a {@linkcode RuntimeError}.
   */
  openExec(
    id: string,
    command: readonly string[],
    wanted: WantedStreams,
  ): Promise<ContainerSession>;
  /**
   * Connects to the streams of the container itself, from now on; its input if it was made with `stdin`. `undefined` when
   * the runtime keeps none: its log is what there is.
   */
  attach(id: string, wanted: WantedStreams): Promise<ContainerSession | undefined>;
  /** Calls `listener` within milliseconds after a container has ended. Returns the stop. */
  onExit(listener: (id: string) => void): () => void;
  /** At the agent's start: removes what an agent that was killed has left half made. */
  collectGarbage(): Promise<void>;
  close(): Promise<void>;
}
