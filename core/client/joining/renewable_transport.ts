import { HttpsTransport, type ServerAccess } from "../https_transport.ts";
import type { ApiRequest, Transport } from "../server_link.ts";
import type { ServerTime } from "../server_time.ts";

/** Requests over HTTPS as somebody whose certificate may be renewed: what is asked from then on is asked with the new one. */
export class RenewableTransport implements Disposable {
  readonly #time: ServerTime;
  #https: HttpsTransport;

  constructor(access: ServerAccess, time: ServerTime) {
    this.#time = time;
    this.#https = new HttpsTransport(access, time);
  }

  /** Answers that are still coming, such as watches, come to their end. Throws when certificates or key are invalid. */
  use(access: ServerAccess): void {
    const before = this.#https;
    this.#https = new HttpsTransport(access, this.#time);
    before.close();
  }

  readonly send: Transport = (request: ApiRequest) => this.#https.send(request);

  [Symbol.dispose](): void {
    this.#https.close();
  }
}
