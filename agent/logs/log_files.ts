import { constants, open } from "node:fs/promises";
import { ifAbsent } from "../../core/lib/absent.ts";
import { concat } from "../../core/lib/bytes.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { type LogSource, readLog } from "./log_reader.ts";
import { removeOldest } from "./log_history.ts";
import { PREVIOUS_FILES_MAX } from "../runtimes/log_limits.ts";
import type { PodFolder } from "../folders/pod_folder.ts";

/** Logs of runs that are kept, the running one included: `logs --previous` shows the other. */
const LOGS_KEPT = 2;
/** The kubelet's `MaxContainerTerminationMessageLength`, and the same of a message that comes from the log. */
const MESSAGE_BYTES_MAX = 4096;
const MESSAGE_LOG_BYTES_MAX = 2048;
const MESSAGE_LOG_LINES_MAX = 80;
/** What is read for that at most: an entry of the log with one byte of text takes some 48. */
const MESSAGE_READ_BYTES_MAX = 128 * 1024;

/** Makes the folder for a container's logs, and removes those of runs that are no longer needed. */
export async function prepareLogs(
  folder: PodFolder,
  container: string,
  restartCount: number,
): Promise<void> {
  await Deno.mkdir(folder.logFolder(container), { recursive: true, mode: 0o755 });
  if (restartCount === 0) return;
  for (const run of await runsIn(folder.logFolder(container))) {
    if (run.restartCount > restartCount - LOGS_KEPT) continue;
    await Deno.remove(`${folder.logFolder(container)}/${run.file}`).catch(ifAbsent);
  }
  await removeOldest(folder.logFile(container, restartCount - 1), PREVIOUS_FILES_MAX - 1);
}

/** Makes the file that a container writes its termination message to. */
export async function prepareMessage(
  folder: PodFolder,
  container: string,
  restartCount: number,
): Promise<string> {
  const path = folder.messageFile(container, restartCount);
  await Deno.mkdir(folder.containerFolder(container), { recursive: true });
  await Deno.writeFile(path, new Uint8Array());
  await Deno.chmod(path, 0o666); // any user that the container runs as may write it
  return path;
}

/** The termination message of a run: the end of the file, cut as the kubelet does; empty when there are none. */
export async function readMessage(
  folder: PodFolder,
  container: string,
  restartCount: number,
): Promise<string> {
  return await endOf(folder.messageFile(container, restartCount), MESSAGE_BYTES_MAX);
}

/**
 * The end of what a run wrote to its log, in place of its termination message (`terminationMessagePolicy: FallbackToLogsOnError`).
 * Reads a named part of it at most, whatever a line's length.
 */
export async function readLogEnd(path: string, format: LogSource["format"]): Promise<string> {
  const { signal } = new AbortController();
  const options = {
    follow: false,
    timestamps: false,
    tailLines: MESSAGE_LOG_LINES_MAX,
    sinceMs: undefined,
    limitBytes: undefined,
  };
  const clock = new SystemClock();
  const source = { path, format, options, ended: signal, signal, clock };
  let end = new Uint8Array();
  for await (const bytes of readLog({ ...source, tailBytesMax: MESSAGE_READ_BYTES_MAX })) {
    end = concat([end, bytes]).slice(-MESSAGE_LOG_BYTES_MAX);
  }
  return new TextDecoder().decode(end);
}

/** Reads only a plain file: the program could put a link there, or a pipe that is never written to. */
async function endOf(path: string, bytesMax: number): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(ifNoPlainFile);
  if (file === undefined) return "";
  try {
    const info = await file.stat();
    if (!info.isFile()) return "";
    const bytes = new Uint8Array(Math.min(info.size, bytesMax));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, info.size - bytes.length);
    return new TextDecoder().decode(bytes.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function ifNoPlainFile(error: unknown): undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOENT" && code !== "ELOOP") throw error;
}

async function runsIn(folder: string): Promise<{ file: string; restartCount: number }[]> {
  const runs: { file: string; restartCount: number }[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const match = /^(\d+)\.log(\.\d+)?$/.exec(name);
    if (match) runs.push({ file: name, restartCount: Number(match[1]) });
  }
  return runs;
}
