import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import type { ContainerRuntime } from "./container_runtime.ts";
import type { LogLimits } from "./log_limits.ts";

/** A way to run containers: how it is found and opened on this machine, and which flags are its own. */
export interface RuntimeType {
  /** As in `--runtime NAME`. */
  readonly name: string;
  readonly flags?: readonly RuntimeFlag[];
  /**
   * Opens it. Throws a {@linkcode RuntimeMissing} when this machine does not have it, a {@linkcode RuntimeRefused} when
   * using it would not be safe.
   */
  open(context: RuntimeContext): Promise<OpenRuntime>;
}

/** A flag of the command line with a text as its value. */
export interface RuntimeFlag {
  /** What its value is called among the flags, e.g. `podman`. */
  readonly name: string;
  /** As it is typed, e.g. `--podman <socket>`. */
  readonly usage: string;
  readonly description: string;
}

/** What a runtime is opened with. */
export interface RuntimeContext {
  readonly nodeName: string;
  /** Of the node: a runtime keeps its files in a folder of its own below it. */
  readonly dataFolder: string;
  /** Version of the product, e.g. `0.1.0`. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly logLimits: LogLimits;
  /** Whether all that was made on this machine is removed when the runtime is closed. */
  readonly isTemporary: boolean;
  /** Values of the command line's flags by name, those of {@linkcode RuntimeType.flags} among them. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** A runtime that can be used. */
export interface OpenRuntime {
  readonly runtime: ContainerRuntime;
  /** Real paths that no pod may see anything of: the runtime's socket, state and storage. */
  readonly protectedPaths: readonly string[];
  /** On the file system with its images and the layers of its containers. */
  readonly imageFolder?: string;
  /** Whether its containers can be below cgroups that the agent makes. */
  readonly takesCgroups?: boolean;
  /** Whether others use its images, too: then none is removed. */
  readonly sharesImages?: boolean;
  /** What users have to know of its containers, e.g. `containers are plain processes`. */
  readonly limitation?: string;
  /** Makes an image on this machine. Resolves with how, for people. */
  makeImage?(image: LocalImage): Promise<string>;
  /** Containers run on, unless the runtime is a temporary one. */
  close(): Promise<void>;
}

/** An image that can be made on any machine. */
export interface LocalImage {
  readonly reference: string;
  /** Its entrypoint where it has the files of busybox. */
  readonly entrypoint: readonly string[];
  readonly stopSignal: string;
  /** What stands for it where images have no files: a program of this machine. `title`: for people. */
  readonly program: { readonly command: readonly string[]; readonly title: string };
}

/** A runtime cannot be used on this machine. The message says why and what to do about it, in one line. */
export class RuntimeMissing extends Error {
  override name = "RuntimeMissing";
}

/** A runtime must not be used as it is, nor another in its place without being asked for. The message is as above. */
export class RuntimeRefused extends Error {
  override name = "RuntimeRefused";
}
