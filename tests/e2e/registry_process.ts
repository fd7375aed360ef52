import { linesOf } from "../../core/lib/lines.ts";
import { programPath } from "../../core/lib/linux/program.ts";

/** Who may use it: the hash is bcrypt's of the password. */
export const LOGIN = { username: "ada", password: "correct horse" };
const HTPASSWD = `${LOGIN.username}:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n`;

export function registryMissing(): string | undefined {
  return programPath("docker-registry") === undefined
    ? "docker-registry is missing: apt-get install docker-registry"
    : undefined;
}

/** A registry as many run it: `docker-registry` on a free port of 127.0.0.1, for those who log in. */
export class RegistryProcess implements AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(host: string, child: Deno.ChildProcess, folder: string) {
    this.host = host;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(): Promise<RegistryProcess> {
    const folder = await Deno.makeTempDir({ prefix: "coracle-registry-" });
    await Deno.writeTextFile(`${folder}/htpasswd`, HTPASSWD);
    const config = {
      version: 0.1,
      log: { level: "info" },
      storage: { filesystem: { rootdirectory: `${folder}/images` } },
      http: { addr: "127.0.0.1:0" },
      auth: { htpasswd: { realm: "test", path: `${folder}/htpasswd` } },
    };
    await Deno.writeTextFile(`${folder}/config.yml`, JSON.stringify(config));
    const child = new Deno.Command("docker-registry", {
      args: ["serve", `${folder}/config.yml`],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new RegistryProcess(await hostIn(child.stderr), child, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** It says where it listens. */
async function hostIn(stderr: ReadableStream<Uint8Array>): Promise<string> {
  const [told, rest] = stderr.tee();
  void rest.pipeTo(new WritableStream()).catch(() => {}); // it writes on until it ends
  const options = { charactersMax: 1024 * 1024, tooLong: () => new Error("A line is too long") };
  for await (const lines of linesOf(told, options)) {
    for (const line of lines) {
      const host = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (host !== undefined) return host;
    }
  }
  throw new Error("The registry has not started");
}
