import {
  Agent,
  type AgentOptions,
  type ClientRequest,
  type IncomingMessage,
  request,
} from "node:http";
import type { Duplex, Readable } from "node:stream";
import { connect as tlsConnect } from "node:tls";

/** A request to a backend, on a connection of its own. */
export interface BackendRequest {
  connection: Duplex;
  method: string;
  /** With the query. */
  path: string;
  headers: Record<string, string | string[]>;
  /** Absent: there is none. */
  body?: Readable;
}

/** The answer's head, with what follows it. */
export type BackendAnswer =
  | { message: IncomingMessage }
  | { message: IncomingMessage; upgraded: Duplex; head: Uint8Array };

/** Speaks TLS on a connection. Nobody vouches for the name of a pod: as in Kubernetes, any certificate is taken. */
export function overTls(connection: Duplex): Duplex {
  return tlsConnect({ socket: connection, rejectUnauthorized: false });
}

/** Asks the backend. Rejects when it does not answer. The connection is closed with the end of the answer. */
export function askBackend(
  { connection, method, path, headers, body }: BackendRequest,
): Promise<BackendAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<BackendAnswer>();
  const outgoing: ClientRequest = request({
    agent: agentOn(connection),
    method,
    path,
    headers,
    setHost: false,
  });
  outgoing.on("error", (error) => {
    connection.destroy();
    reject(error);
  });
  outgoing.on("response", (message) => resolve({ message }));
  outgoing.on("upgrade", (message, upgraded, head) => resolve({ message, upgraded, head }));
  if (body) body.pipe(outgoing);
  else outgoing.end();
  return promise;
}

/** An agent that has one connection and dials nobody. */
export function agentOn(connection: Duplex): Agent {
  return agentWith(() => connection, { keepAlive: false, maxSockets: 1 });
}

/** An agent that opens its connections itself and keeps some of them for the next request. */
export function openingAgent(open: () => Duplex, maxFreeSockets: number): Agent {
  return agentWith(open, { keepAlive: true, maxFreeSockets });
}

/**
 * Not `createConnection` in the options: with `agent: false` the runtime passes over it and dials the default host.
 */
function agentWith(open: () => Duplex, options: AgentOptions): Agent {
  const agent = new Agent(options);
  Object.assign(agent, { createConnection: open });
  return agent;
}
