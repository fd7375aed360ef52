import type { Command } from "commander";
import type { Terminal } from "../server/terminal.ts";

/** The port that the containers of the examples listen on. */
export const DEMO_PORT = 8080;

/**
 * The program of the demo's image where there are no images: a web server that answers with `$VERSION`
 * on `$POD_IP`, and with an error one time in `$FAIL_ONE_IN`. Hidden: only the demo's containers call it.
 */
export function demoWebCommand(program: Command, terminal: Terminal): void {
  program.command("demo-web", { hidden: true }).action(async () => {
    const hostname = Deno.env.get("POD_IP") ?? "127.0.0.1";
    const version = Deno.env.get("VERSION") ?? "unknown";
    const failOneIn = Number(Deno.env.get("FAIL_ONE_IN") ?? Infinity);
    let requests = 0;
    await Deno.serve(
      { hostname, port: DEMO_PORT, signal: terminal.signal, onListen: () => {} },
      () => new Response(`${version}\n`, { status: ++requests % failOneIn === 0 ? 500 : 200 }),
    ).finished;
  });
}
