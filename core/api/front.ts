import type { Api } from "./app.ts";
import { serveByHttps } from "./front/https_front.ts";
import type { Served, ServeOptions } from "./front/served.ts";

/** Serves the API over HTTPS (HTTP/1.1). Throws a `ListenError` when the address cannot be had. */
export function serve(api: Api, options: ServeOptions): Promise<Served> {
  return serveByHttps(api, options);
}
