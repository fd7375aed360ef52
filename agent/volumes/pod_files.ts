import { ifAbsent } from "../../core/lib/absent.ts";
import { writeTextFile } from "./atomic_files.ts";
import { prepareLogs, prepareMessage, readLogEnd, readMessage } from "../logs/log_files.ts";
import type { LogSource } from "../logs/log_reader.ts";
import { keepHistory } from "../logs/log_history.ts";
import { LOG_LIMITS, type LogLimits } from "../runtimes/log_limits.ts";
import { PodFolder, podsWithFolder } from "../folders/pod_folder.ts";

/** A file of the node that those of its pods are made from. */
export type NodeFile = "/etc/hosts" | "/etc/resolv.conf";

/** One run of a container of a pod. */
export interface RunName {
  podUid: string;
  container: string;
  restartCount: number;
}

/**
 * The files of this node's pods, volumes aside: hosts files, logs and termination messages. On the disk, or in the
 * simulator nowhere. Every call may be repeated.
 */
export interface PodFiles {
  /** The uids of the pods that have files here. */
  podUids(): Promise<readonly string[]>;
  writeHosts(podUid: string, text: string): Promise<void>;
  writeResolver(podUid: string, text: string): Promise<void>;
  /** What the node itself has; empty when it has none. */
  nodeText(file: NodeFile): Promise<string>;
  /** Makes the files that a run writes to, and removes logs that are no longer needed. */
  prepareRun(run: RunName): Promise<void>;
  /** The termination message of a run; empty when there are none. */
  message(run: RunName): Promise<string>;
  /** The end of a run's log, in place of the message. */
  logEnd(run: RunName, format: LogSource["format"]): Promise<string>;
  /** Keeps the part of a log that its runtime would drop next, and keeps the rotated files within their bounds. */
  rotateLog(run: RunName, format: LogSource["format"]): Promise<void>;
  /** Removes all files of the pod, its logs included. Its volumes must be gone before. */
  remove(podUid: string): Promise<void>;
}

/** The files of pods in a folder, laid out as {@linkcode PodFolder} says. */
export class DiskPodFiles implements PodFiles {
  readonly #dataFolder: string;
  readonly #logLimits: LogLimits;

  constructor(dataFolder: string, logLimits: LogLimits = LOG_LIMITS) {
    this.#dataFolder = dataFolder;
    this.#logLimits = logLimits;
  }

  podUids(): Promise<readonly string[]> {
    return podsWithFolder(this.#dataFolder);
  }

  writeHosts(podUid: string, text: string): Promise<void> {
    return writeTextFile(this.#folder(podUid).hostsFile, text);
  }

  writeResolver(podUid: string, text: string): Promise<void> {
    return writeTextFile(this.#folder(podUid).resolverFile, text);
  }

  nodeText(file: NodeFile): Promise<string> {
    return nodeText(file);
  }

  async prepareRun({ podUid, container, restartCount }: RunName): Promise<void> {
    const folder = this.#folder(podUid);
    await Promise.all([
      prepareMessage(folder, container, restartCount),
      prepareLogs(folder, container, restartCount),
    ]);
  }

  message({ podUid, container, restartCount }: RunName): Promise<string> {
    return readMessage(this.#folder(podUid), container, restartCount);
  }

  logEnd(
    { podUid, container, restartCount }: RunName,
    format: LogSource["format"],
  ): Promise<string> {
    return readLogEnd(this.#folder(podUid).logFile(container, restartCount), format);
  }

  rotateLog(
    { podUid, container, restartCount }: RunName,
    format: LogSource["format"],
  ): Promise<void> {
    const path = this.#folder(podUid).logFile(container, restartCount);
    return keepHistory(path, format, this.#logLimits);
  }

  remove(podUid: string): Promise<void> {
    return this.#folder(podUid).remove();
  }

  #folder(podUid: string): PodFolder {
    return new PodFolder(this.#dataFolder, podUid);
  }
}

/** systemd-resolved listens where only the node reaches it, and lists here whom it asks itself. */
const RESOLVED_STUB = /^\s*nameserver\s+127\.0\.0\.53\s*$/m;
const RESOLVED_FILE = "/run/systemd/resolve/resolv.conf";

async function nodeText(file: NodeFile): Promise<string> {
  const text = await Deno.readTextFile(file).catch(ifAbsent) ?? "";
  if (file !== "/etc/resolv.conf" || !RESOLVED_STUB.test(text)) return text;
  return await Deno.readTextFile(RESOLVED_FILE).catch(ifAbsent) ?? text;
}
