import { programPath } from "../../core/lib/linux/program.ts";
import { linesOf } from "../../core/lib/lines.ts";
import type { Log } from "../../core/lib/log.ts";

/** What is done when the machine is about to shut down, or goes on after all. */
export interface ShutdownListener {
  begin(): Promise<void>;
  cancel(): void;
}

/** Where programs are looked for; those of the machine when absent. */
export interface ShutdownTools {
  path?: string;
}

const LINE = { charactersMax: 64 * 1024, tooLong: () => new Error("A line of busctl is too long") };
const RULE = "type='signal',interface='org.freedesktop.login1.Manager',member='PrepareForShutdown'";

/**
 * Holds up the shutdown of a machine with systemd until the listener is done with it: a lock of logind, by
 * `systemd-inhibit`, and its signal, by `busctl`. Resolves when the signal aborts; where there is no systemd, nothing is held up.
 *
 * https://systemd.io/INHIBITOR_LOCKS/
 */
export async function watchShutdown(
  listener: ShutdownListener,
  { log, signal, tools = {} }: { log: Log; signal: AbortSignal; tools?: ShutdownTools },
): Promise<void> {
  const inhibit = programPath("systemd-inhibit", tools.path);
  const busctl = programPath("busctl", tools.path);
  if (inhibit === undefined || busctl === undefined) {
    log.info("This machine has no systemd: its shutdown is not waited for");
    return await aborted(signal);
  }
  let lock = held(inhibit);
  const monitor = new Deno.Command(busctl, {
    args: ["monitor", "--system", "--json=short", `--match=${RULE}`],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const end = () => [lock, monitor].forEach(kill);
  signal.addEventListener("abort", end, { once: true });
  try {
    for await (const isStarting of startsIn(monitor.stdout)) {
      if (isStarting) {
        log.warn("The machine is shutting down: the pods are ended");
        await listener.begin();
        kill(lock); // the machine may go on
      } else {
        listener.cancel();
        kill(lock);
        lock = held(inhibit);
      }
    }
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

/** Holds the lock as long as it runs. */
function held(program: string): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: [
      ...["--what=shutdown", "--who=coracle", "--mode=delay"],
      ...["--why=Pods need time to end", "sleep", "infinity"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Whether a shutdown begins (`true`) or is called off, each time that logind says so. */
async function* startsIn(output: ReadableStream<Uint8Array>): AsyncGenerator<boolean> {
  for await (const lines of linesOf(output, LINE)) {
    for (const line of lines) {
      const found = startIn(line);
      if (found !== undefined) yield found;
    }
  }
}

/** A line of `busctl monitor --json=short`; `undefined`: it says something else. Pure. */
export function startIn(line: string): boolean | undefined {
  try {
    const { member, payload } = JSON.parse(line);
    const [isStarting] = payload?.data ?? [];
    return member === "PrepareForShutdown" && typeof isStarting === "boolean"
      ? isStarting
      : undefined;
  } catch {
    return undefined; // no JSON: a word about the monitor itself
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // it has ended
  }
}
