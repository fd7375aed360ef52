import { fileURLToPath } from "node:url";
import type { Bench } from "./harness.ts";
import { temporaryFolder } from "./server.ts";

/** A program of a bench in Go, built on the spot; it answers each line of its input by a line of JSON. */
export class GoProgram {
  readonly pid: number;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncIterator<string>;
  readonly #name: string;

  private constructor(name: string, child: Deno.ChildProcess) {
    this.#name = name;
    this.pid = child.pid;
    this.#requests = child.stdin.getWriter();
    this.#answers = lines(child.stdout);
  }

  /** `name`: of its folder beside this file. The first time, Go fetches the libraries that it needs. */
  static async start(bench: Bench, name: string, args: string[]): Promise<GoProgram> {
    const binary = `${await temporaryFolder(bench)}/${name}`;
    const cwd = fileURLToPath(new URL(`./${name}/`, import.meta.url));
    const { success, stderr } = await new Deno.Command("go", {
      args: ["build", "-o", binary, "."],
      cwd,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(`Cannot build ${cwd}: ${new TextDecoder().decode(stderr)}`);
    return new GoProgram(name, spawned(bench, binary, args));
  }

  async ask<T>(request: string): Promise<T> {
    await this.#requests.write(new TextEncoder().encode(`${request}\n`));
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.#name} has ended; its message is above`);
    return JSON.parse(value) as T;
  }
}

/** Starts a program that is ended with the bench. */
export function spawned(bench: Bench, program: string, args: string[]): Deno.ChildProcess {
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  bench.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  return child;
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
  return undefined;
}
