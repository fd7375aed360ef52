import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./timed_server.ts", import.meta.url));

/** On a processor, and by the clock. */
export interface LookTime {
  cpuMs: number;
  wallMs: number;
}

/** The program `timed_server.ts`, as a bench sees it. */
export class TimedServer {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly dataFolder: string;
  address = "";
  #text = "";

  private constructor(child: Deno.ChildProcess, dataFolder: string) {
    this.#child = child;
    this.dataFolder = dataFolder;
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async start(dataFolder: string, subnet: number): Promise<TimedServer> {
    const args = ["run", "--frozen", "--no-check", "-A", PROGRAM, dataFolder, String(subnet)];
    const child = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const server = new TimedServer(child, dataFolder);
    server.address = await server.#until(/ready: (\S+)\n/);
    return server;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** A request as the admin. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const ca = await Deno.readTextFile(`${this.dataFolder}/ca.crt`);
    const token = (await Deno.readTextFile(`${this.dataFolder}/admin.token`)).trim();
    using client = Deno.createHttpClient({ caCerts: [ca] });
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    const answer = await fetch(`${this.address}${path}`, { ...init, headers, client });
    return new Response(await answer.arrayBuffer(), answer);
  }

  /** Stops it; how long each look took. */
  async stop(): Promise<LookTime[]> {
    this.#child.kill("SIGTERM");
    return JSON.parse(await this.#until(/^(\[.*\])\n/m));
  }

  /** Has it end, in order: it takes its network away. */
  async end(): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // it has exited already
    }
    await this.#lines.cancel();
    await this.#child.status;
  }

  async #until(pattern: RegExp): Promise<string> {
    for (;;) {
      const [, found] = pattern.exec(this.#text) ?? [];
      if (found !== undefined) return found;
      const { value } = await this.#lines.read();
      if (value === undefined) throw new Error(`The server has ended: ${this.#text}`);
      this.#text += value;
    }
  }
}
