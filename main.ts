import "./server/private_umask.ts"; // first
import type { Terminal } from "./server/terminal.ts";
import { runProgram } from "./cli/program.ts";

if (import.meta.main) Deno.exit(await runProgram(Deno.args, processTerminal()));

/** The terminal of this process. A second SIGINT or SIGTERM ends it at once. */
function processTerminal(): Terminal {
  const stop = new AbortController();
  const encoder = new TextEncoder();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (stop.signal.aborted) Deno.exit(signal === "SIGINT" ? 130 : 143);
      stop.abort(new Error(`Stopped by ${signal}`));
    });
  }
  return {
    out: (text) => writeAll(Deno.stdout, encoder.encode(text)),
    err: (text) => writeAll(Deno.stderr, encoder.encode(text)),
    interactive: Deno.stdout.isTerminal(),
    size: terminalSize,
    onResize(listener) {
      Deno.addSignalListener("SIGWINCH", listener);
      return () => Deno.removeSignalListener("SIGWINCH", listener);
    },
    signal: stop.signal,
  };
}

function terminalSize(): { columns: number; rows: number } | undefined {
  try {
    return Deno.consoleSize();
  } catch {
    return undefined; // standard output is no terminal
  }
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
}
