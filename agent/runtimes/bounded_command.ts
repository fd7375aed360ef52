import type { Clock } from "../../core/lib/clock.ts";
import { signal } from "../../core/lib/linux/process_identity.ts";
import type { ExecResult } from "./container_runtime.ts";
import { CLEAN_ENVIRONMENT } from "../../core/lib/linux/program.ts";

/** As much as the kubelet keeps of what a probe's command writes. */
export const EXEC_OUTPUT_BYTES_MAX = 10 * 1024;

/** Gathers output up to {@linkcode EXEC_OUTPUT_BYTES_MAX} and forgets the rest. */
export class BoundedOutput {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  add(part: Uint8Array): void {
    const kept = part.slice(0, EXEC_OUTPUT_BYTES_MAX - this.#bytes);
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#bytes += kept.length;
  }

  text(): string {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return new TextDecoder().decode(all);
  }
}

/** What an exec rejects with when its deadline passes, in the kubelet's words. */
export function execTimeout(command: readonly string[]): DOMException {
  return new DOMException(`command "${command.join(" ")}" timed out`, "TimeoutError");
}

/**
 * Runs a command as a group of its own and waits for its end. When the deadline passes the whole group is
 * killed and it rejects with {@linkcode execTimeout}.
 */
export async function runBounded(
  { setsid, command, shown, environmentPath, deadlineMs, clock }: {
    /** Path of util-linux' `setsid`. */
    setsid: string;
    command: readonly string[];
    /** The part of the command that messages name. */
    shown: readonly string[];
    /** File with an `environmentScript`, which the command finds at descriptor 4. */
    environmentPath: string;
    deadlineMs: number;
    clock: Clock;
  },
): Promise<ExecResult> {
  const child = new Deno.Command(setsid, {
    args: ["/bin/sh", "-c", 'exec "$@" 4<"$0"', environmentPath, ...command],
    env: CLEAN_ENVIRONMENT,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = new BoundedOutput();
  let isLate = false;
  const cancel = clock.after(deadlineMs, () => {
    isLate = true;
    signal(-child.pid, "SIGKILL") || signal(child.pid, "SIGKILL");
  });
  try {
    const [status] = await Promise.all([
      child.status,
      gather(child.stdout, output),
      gather(child.stderr, output),
    ]);
    if (isLate) throw execTimeout(shown);
    return { exitCode: status.code, output: output.text() };
  } finally {
    cancel();
  }
}

async function gather(stream: ReadableStream<Uint8Array>, output: BoundedOutput): Promise<void> {
  for await (const part of stream) output.add(part);
}
