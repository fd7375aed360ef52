import type { KubeObject } from "../../core/resources/resource.ts";
import { type CoracleServer, startServer } from "../../server/coracle_server.ts";
import type { ServerFlags } from "../../server/options.ts";
import { REGISTRY, type Registry } from "../../server/registry.ts";
import { eventually } from "../eventually.ts";

/** What a test adds to the built-in lists. */
export type Additions = Partial<Registry>;

/** Failures alone take this long. */
const WAIT_MS_MAX = 20_000;
/** Each server has pod and service addresses of its own. */
let nextSubnet = 0;

/**
 * A whole `coracle server` in this process, with its store, its agent and its proxy: what `startServer` runs for a
 * user, but with more in its lists. It listens on a free port.
 */
export class ServerInProcess {
  readonly #server: CoracleServer;
  readonly #client: Deno.HttpClient;
  readonly #token: string;
  readonly #ca: string;
  readonly #log: string[];

  private constructor(
    server: CoracleServer,
    { client, token, ca, log }: {
      client: Deno.HttpClient;
      token: string;
      ca: string;
      log: string[];
    },
  ) {
    this.#server = server;
    this.#client = client;
    this.#token = token;
    this.#ca = ca;
    this.#log = log;
  }

  static async start(
    data: string,
    additions: Additions,
    flags: Partial<ServerFlags> & Record<string, unknown> = {},
  ): Promise<ServerInProcess> {
    const log: string[] = [];
    const terminal = {
      out: () => {},
      err: (line: string) => void log.push(line),
      interactive: false,
      signal: new AbortController().signal,
    };
    const subnet = nextSubnet++;
    const server = await startServer(
      {
        data,
        runtime: "process",
        node: "toy-node",
        gatewayAddress: "127.0.0.1",
        logLevel: "info",
        listen: { host: "127.0.0.1", port: 0 },
        stopPods: true,
        podCidr: `127.43.${subnet}.0/24`,
        serviceCidr: `127.44.${subnet}.0/24`,
        temporary: true,
        ...flags,
      },
      terminal,
      extended(additions),
    );
    const [ca, token] = await Promise.all(
      ["ca.crt", "admin.token"].map((name) => Deno.readTextFile(`${data}/${name}`)),
    );
    const client = Deno.createHttpClient({ caCerts: [ca!] });
    return new ServerInProcess(server!, { client, token: token!.trim(), ca: ca!, log });
  }

  get log(): string {
    return this.#log.join("");
  }

  /** A request over HTTPS. An object becomes the JSON body. `as`: the admin, or somebody who does not say who he is. */
  async fetch(
    method: string,
    path: string,
    body?: object,
    as: "admin" | "anonymous" = "admin",
  ): Promise<Response> {
    const headers = {
      ...(as === "admin" && { authorization: `Bearer ${this.#token}` }),
      ...(body && { "content-type": "application/json" }),
    };
    const init = { method, headers, client: this.#client };
    const text = body && { body: JSON.stringify(body) };
    return await fetch(`${this.#server.built.url}${path}`, { ...init, ...text });
  }

  /** A raw connection on which the admin asks for the protocol "echo", and sends `text` at once. */
  async upgrade(path: string, text: string): Promise<Deno.TlsConn> {
    const { hostname, port } = new URL(this.#server.built.url);
    const connection = await Deno.connectTls({ hostname, port: Number(port), caCerts: [this.#ca] });
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${this.#token}\r\n` +
      `connection: Upgrade\r\nupgrade: echo\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head + text));
    return connection;
  }

  /** The JSON of an answer. Rejects when it is a refusal. */
  async ask<T = KubeObject>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.fetch(method, path, body);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** Asks for an object until it is as it should be, or the time is up. */
  async until<T = KubeObject>(path: string, isSo: (object: T) => boolean): Promise<T> {
    let last: unknown;
    const look = async () => {
      const object = last = await this.ask<T>("GET", path);
      return isSo(object) ? object : undefined;
    };
    return await eventually(`${path} is as it should be`, look, WAIT_MS_MAX).catch((error) => {
      throw new Error(`${error.message}; the last answer was ${JSON.stringify(last)}`);
    });
  }

  /** Reads a text until it is as it should be, or the time is up. */
  async untilText(path: string, isSo: (text: string) => boolean): Promise<void> {
    const look = async () => isSo(await (await this.fetch("GET", path)).text());
    await eventually(`${path} is as it should be`, look, WAIT_MS_MAX);
  }

  async untilGone(path: string): Promise<void> {
    const look = async () => {
      const answer = await this.fetch("GET", path);
      await answer.body?.cancel();
      return answer.status === 404;
    };
    await eventually(`${path} is gone`, look, WAIT_MS_MAX);
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.#server.stop();
  }
}

/** Runs `act` with a server that has more in its lists than what is built in. */
export async function withAdditions(
  additions: Additions,
  act: (server: ServerInProcess) => Promise<void>,
  flags: Partial<ServerFlags> & Record<string, unknown> = {},
): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "coracle-extension-" });
  const server = await ServerInProcess.start(data, additions, flags);
  try {
    await act(server);
  } catch (error) {
    throw new Error(`${server.log}\n${error instanceof Error ? error.stack : error}`);
  } finally {
    await server.stop();
    // What looks after the disk may still be writing its ballast.
    const remove = () => Deno.remove(data, { recursive: true }).then(() => true);
    await eventually("the data folder is removed", remove, WAIT_MS_MAX);
  }
}

/** Lists that say what is best first have the additions first; for the others the order means nothing. */
function extended(additions: Additions): Registry {
  const lists = Object.entries(REGISTRY).map(([name, builtIn]) => [
    name,
    [...additions[name as keyof Registry] ?? [], ...builtIn],
  ]);
  return Object.fromEntries(lists) as unknown as Registry; // the same names, each with more of its own
}
