/** Answers HTTP requests until it is ended, on a port that it prints: for `probes.ts`. */
import process from "node:process";

Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => process.stdout.write(`${port}\n`) },
  () => new Response("ok"),
);
