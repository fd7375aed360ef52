import type { Api } from "../app.ts";
import { ListenError, type Served, type ServeOptions } from "./served.ts";
import { openThreadLibraries, serveByThread } from "./thread_front.ts";

/**
 * Serves the API over HTTPS (HTTP/1.1). Throws a `ListenError` when the address cannot be had, and when the requested
 * front is not available.
 */
export async function serve(api: Api, options: ServeOptions): Promise<Served> {
  const { front = "auto", host, port, log } = options;
  const libraries = front === "https" ? undefined : openThreadLibraries();
  if (libraries !== undefined && !("missing" in libraries)) {
    log.info("The API is served by a thread of its own for TLS");
    return await serveByThread(api, options, libraries);
  }
  if (libraries === undefined || (front === "auto" && isLoopback(host))) {
    log.info("The API is served by node:https", {
      ...(libraries && { reason: libraries.missing }),
    });
    const { serveByHttps } = await import("./https_front.ts"); // most servers do without it, and start sooner
    return await serveByHttps(api, options);
  }
  throw new ListenError(
    `Cannot serve the API on ${host}:${port} by a thread for TLS: ${libraries.missing}; fix that, or listen on 127.0.0.1, or ` +
      `choose "--front https", which unauthenticated clients can make use more memory`,
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
