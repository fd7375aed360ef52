import type { Openssl } from "../../core/lib/linux/openssl.ts";
import { TlsContext } from "../../core/lib/linux/tls_context.ts";
import type { ServedCertificate } from "../../core/traffic/certificates.ts";
import type { ListenerHost } from "../table/route_table.ts";
import { certificateFor } from "./tls_hosts.ts";

const PROTOCOLS = ["http/1.1"];

/** The certificates of a listener, each with a context of its own. They change while connections go on. */
export class TlsContexts {
  readonly #openssl: Openssl;
  #hosts: readonly ListenerHost[] = [];
  #contexts = new Map<string, TlsContext>();

  constructor(openssl: Openssl, hosts: readonly ListenerHost[]) {
    this.#openssl = openssl;
    this.use(hosts);
  }

  /** From now on new connections get these; those of a certificate that stays keep their tickets. */
  use(hosts: readonly ListenerHost[]): void {
    const before = this.#contexts;
    this.#hosts = hosts;
    this.#contexts = new Map();
    for (const certificate of hosts.flatMap(({ certificates = [] }) => certificates)) {
      const key = keyOf(certificate);
      if (this.#contexts.has(key)) continue;
      const context = before.get(key) ?? this.#contextOf(certificate);
      before.delete(key);
      if (context !== undefined) this.#contexts.set(key, context);
    }
    for (const context of before.values()) context.close();
  }

  /** `undefined`: no host of the listener has that name, or OpenSSL does not take its certificate. */
  for(serverName: string): TlsContext | undefined {
    const certificate = certificateFor(serverName, this.#hosts);
    return certificate && this.#contexts.get(keyOf(certificate));
  }

  close(): void {
    for (const context of this.#contexts.values()) context.close();
    this.#contexts.clear();
    this.#hosts = [];
  }

  #contextOf({ certificate, key }: ServedCertificate): TlsContext | undefined {
    try {
      return new TlsContext(this.#openssl, {
        ...{ certificate, key, protocols: PROTOCOLS, sessionContext: "gateway" },
      });
    } catch {
      this.#openssl.takeError(); // it was looked at before it got here: the security level of this OpenSSL forbids it
      return undefined;
    }
  }
}

function keyOf({ certificate, key }: ServedCertificate): string {
  return `${certificate}\n${key}`;
}
