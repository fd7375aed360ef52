import type { Openssl } from "../../core/lib/linux/openssl.ts";
import { TlsContexts } from "../tls/tls_contexts.ts";
import { TlsSocket } from "../tls/tls_socket.ts";
import type { HttpListener } from "../table/route_table.ts";
import { type HttpParts, httpReceiver, type Receiver } from "./receivers.ts";

/** Those that speak HTTP over TLS. */
export function tlsReceiver(
  first: HttpListener,
  { openssl, ...parts }: HttpParts & { openssl: Openssl },
): Receiver {
  const http = httpReceiver(first, parts);
  const contexts = new TlsContexts(openssl, first.hosts);
  return {
    ...http,
    use: (next) => {
      http.use(next);
      contexts.use((next as HttpListener).hosts); // the key holds the protocol
    },
    take: (carrier) => {
      const socket = new TlsSocket(carrier, openssl, contexts);
      const owner = http.take(socket);
      if (owner === undefined) return undefined;
      socket.own(owner);
      return socket;
    },
    close: () => {
      http.close?.();
      contexts.close();
    },
  };
}
