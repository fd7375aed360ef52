import { ifAbsent } from "../core/lib/absent.ts";
import { concat } from "../core/lib/bytes.ts";
import { type LogSource, readLog } from "./log_reader.ts";
import type { PodFolder } from "./pod_folder.ts";

/** The kubelet's `containerLogMaxSize`. */
export const LOG_BYTES_MAX = 10 * 1024 * 1024;
/** Logs of runs that are kept, the running one included: `logs --previous` shows the other. */
const LOGS_KEPT = 2;
/** The kubelet's `MaxContainerTerminationMessageLength`, and the same of a message that comes from the log. */
const MESSAGE_BYTES_MAX = 4096;
const MESSAGE_LOG_BYTES_MAX = 2048;
const MESSAGE_LOG_LINES_MAX = 80;

/** Makes the folder for a container's logs, and removes those of runs that nobody asks for any more. */
export async function prepareLogs(
  folder: PodFolder,
  container: string,
  restartCount: number,
): Promise<void> {
  await Deno.mkdir(folder.logFolder(container), { recursive: true, mode: 0o755 });
  if (restartCount < LOGS_KEPT) return;
  for (const run of await runsIn(folder.logFolder(container))) {
    if (run.restartCount > restartCount - LOGS_KEPT) continue;
    await Deno.remove(`${folder.logFolder(container)}/${run.file}`).catch(ifAbsent);
  }
}

/**
 * Empties a log that has grown too large, after its content was copied to `RUN.log.1`. The runtime goes on writing
 * to the same file; what it writes between the copy and the cut is lost.
 */
export async function rotateLog(path: string): Promise<void> {
  const size = await Deno.stat(path).then(({ size }) => size, () => 0);
  if (size <= LOG_BYTES_MAX) return;
  await Deno.copyFile(path, `${path}.1`);
  await Deno.truncate(path);
}

/** Makes the file that a container writes its last words to. */
export async function prepareMessage(
  folder: PodFolder,
  container: string,
  restartCount: number,
): Promise<string> {
  const path = folder.messageFile(container, restartCount);
  await Deno.mkdir(folder.containerFolder(container), { recursive: true });
  await Deno.writeFile(path, new Uint8Array());
  await Deno.chmod(path, 0o666); // whoever the container runs as may write it
  return path;
}

/** Last words of a run: the end of the file, cut as the kubelet does; empty when there are none. */
export async function readMessage(
  folder: PodFolder,
  container: string,
  restartCount: number,
): Promise<string> {
  return await endOf(folder.messageFile(container, restartCount), MESSAGE_BYTES_MAX);
}

/** The end of what a run wrote to its log, in its place (`terminationMessagePolicy: FallbackToLogsOnError`). */
export async function readLogEnd(path: string, format: LogSource["format"]): Promise<string> {
  const { signal } = new AbortController();
  const options = {
    ...{ follow: false, timestamps: false, tailLines: MESSAGE_LOG_LINES_MAX },
    ...{ sinceMs: undefined, limitBytes: undefined },
  };
  let end = new Uint8Array();
  for await (const bytes of readLog({ path, format, options, ended: signal, signal })) {
    end = concat([end, bytes]).slice(-MESSAGE_LOG_BYTES_MAX);
  }
  return new TextDecoder().decode(end);
}

async function endOf(path: string, bytesMax: number): Promise<string> {
  try {
    using file = await Deno.open(path);
    const { size } = await file.stat();
    if (size > bytesMax) await file.seek(size - bytesMax, Deno.SeekMode.Start);
    const bytes = new Uint8Array(Math.min(size, bytesMax));
    const count = await file.read(bytes) ?? 0;
    return new TextDecoder().decode(bytes.subarray(0, count));
  } catch (error) {
    ifAbsent(error);
    return "";
  }
}

async function runsIn(folder: string): Promise<{ file: string; restartCount: number }[]> {
  const runs: { file: string; restartCount: number }[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const match = /^(\d+)\.log(\.\d+)?$/.exec(name);
    if (match) runs.push({ file: name, restartCount: Number(match[1]) });
  }
  return runs;
}
