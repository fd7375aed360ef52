import { getRequestListener } from "@hono/node-server";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../lib/clock.ts";
import type { Api } from "../app.ts";
import type { Status } from "../http/status.ts";
import type { Upgrade } from "../streams/stream.ts";
import type { Connection, Exchange } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { headFault } from "./head_faults.ts";

/** Passes the requests of a server's connections to the API: ordinary ones and upgrades. */
export class Exchanges {
  readonly #api: Api;
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #answer: (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;
  #isStopping = false;

  constructor(api: Api, connections: Connections, clock: Clock) {
    this.#api = api;
    this.#connections = connections;
    this.#clock = clock;
    this.#answer = getRequestListener(api.app.fetch, { overrideGlobalObjects: false });
  }

  listenTo(server: Server): void {
    server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#begin(incoming, outgoing);
    });
    for (const event of ["upgrade", "connect"]) {
      server.on(event, (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) => {
        void this.#upgrade({ incoming, socket, head });
      });
    }
  }

  /** Every answer from now on closes its connection. */
  stop(): void {
    this.#isStopping = true;
    for (const { outgoing } of this.#connections.exchanges()) {
      if (!outgoing.headersSent) outgoing.setHeader("connection", "close");
    }
  }

  #begin(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const connections = this.#connections;
    const connection = connections.of(incoming.socket);
    const exchange: Exchange = { incoming, outgoing, sinceMs: this.#clock.elapsed() };
    if (!connection || !connections.begin(connection, exchange)) {
      // Otherwise Node destroys each pipelined request with an error object of its own, which is expensive.
      incoming.destroy();
      return;
    }
    outgoing.once("close", () => {
      connections.end(connection, exchange);
      if (this.#isStopping) connections.destroyIdle();
    });
    const fault = headFault(incoming);
    if (this.#isStopping || fault) outgoing.setHeader("connection", "close");
    if (!fault) return void this.#answer(incoming, outgoing);
    outgoing.writeHead(fault.code, { "content-type": "text/plain; charset=utf-8" });
    outgoing.end(fault.message);
  }

  async #upgrade(upgrade: Upgrade): Promise<void> {
    const { incoming, socket } = upgrade;
    const connection = this.#connections.of(socket);
    if (!connection) return void socket.destroy();
    const fault = headFault(incoming);
    if (fault) return this.#refuse(connection, rawText(fault.code, fault.message));
    connection.beginStream(this.#clock.elapsed());
    const refusal = await this.#api.upgrade(upgrade);
    if (refusal) return this.#refuse(connection, rawStatus(refusal));
    if (connection.hasLeft) return; // whoever has it now ends it
    if (!socket.writableEnded) socket.end();
    socket.resume(); // drops what still arrives
    this.#connections.closeSoon(connection);
  }

  /** Writes raw bytes: an upgrade has no response object. With an empty body, kubectl would print an empty error. */
  #refuse(connection: Connection, answer: string): void {
    connection.socket.end(answer);
    connection.socket.resume(); // drops what still arrives
    this.#connections.closeSoon(connection);
  }
}

function rawStatus(status: Status): string {
  const body = JSON.stringify(status) + "\n";
  const retryAfter = status.details?.retryAfterSeconds;
  const more = retryAfter === undefined ? [] : [`retry-after: ${retryAfter}`];
  const line = `${status.code} ${status.reason ?? "Refused"}`;
  return rawAnswer(line, "application/json", body, more);
}

function rawText(code: number, message: string): string {
  return rawAnswer(`${code} Refused`, "text/plain; charset=utf-8", message);
}

function rawAnswer(
  status: string,
  contentType: string,
  body: string,
  more: readonly string[] = [],
): string {
  return [
    `HTTP/1.1 ${status}`,
    `content-type: ${contentType}`,
    `content-length: ${new TextEncoder().encode(body).length}`,
    "connection: close",
    ...more,
    "",
    body,
  ].join("\r\n");
}
