import { EXPOSITION_TYPE } from "../../core/usage/exposition.ts";

/** Answers `GET /metrics` to everybody who reaches the address, as Prometheus asks. Throws what the system refuses. */
export function serveMetrics(
  { host, port }: { host: string; port: number },
  metrics: () => Promise<string>,
): { port: number; stop(): Promise<void> } {
  const server = Deno.serve({ hostname: host, port, onListen: () => {} }, async (request) => {
    if (new URL(request.url).pathname !== "/metrics") {
      return new Response("404 page not found\n", { status: 404 });
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("Method Not Allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
    }
    return new Response(await metrics(), { headers: { "content-type": EXPOSITION_TYPE } });
  });
  return { port: server.addr.port, stop: () => server.shutdown() };
}
