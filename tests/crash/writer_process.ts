import { fileURLToPath } from "node:url";
import type { PlantedFault } from "./faulty_journal.ts";
import { type Line, linesIn } from "./writer_lines.ts";

const WRITER = fileURLToPath(new URL("./writer.ts", import.meta.url));
const READY_MS_MAX = 20_000;

export interface WriterOptions {
  /** A fault in its journal. */
  planted?: PlantedFault | undefined;
  /** It kills itself after acknowledging this many commits. */
  acknowledgedMax?: number;
  /** A command that wraps it, such as strace. */
  under?: readonly string[];
}

/** A process that writes to a store and reports what it does. */
export class WriterProcess {
  readonly #child: Deno.ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();
  readonly #stdout: Promise<string>;
  readonly #stderr: Promise<string>;

  /** `seed`: higher than that of any earlier run on the same file. */
  constructor(path: string, seed: number, options: WriterOptions = {}) {
    const { planted = "", acknowledgedMax = Infinity, under = [] } = options;
    const command = [
      ...under,
      ...[Deno.execPath(), "run", "-A", "--no-check", "--unstable-kv"],
      ...[WRITER, path, String(seed), String(acknowledgedMax), planted],
    ];
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = this.#read();
    this.#stderr = new Response(this.#child.stderr).text();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it has opened the store. Rejects when it has ended before. */
  async ready(): Promise<void> {
    const timer = setTimeout(() => this.signal("SIGKILL"), READY_MS_MAX);
    try {
      await this.#ready.promise;
    } catch {
      throw new Error(`The writer ended before it was ready:\n${await this.#stderr}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when it has acknowledged its first commit. Rejects when it ends before that. */
  async writes(): Promise<void> {
    await this.ready();
    await this.#done.promise;
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // it has ended by itself: its lines say why
    }
  }

  /** Kills it, if it still runs. Returns its output up to the last whole line. */
  async kill(): Promise<Line[]> {
    this.signal("SIGKILL");
    return await this.end();
  }

  /** Waits for its own end. */
  async end(): Promise<Line[]> {
    const { code, signal } = await this.#child.status;
    const lines = linesIn(await this.#stdout);
    const isExplained = signal === "SIGKILL" || lines.some((line) => "refused" in line);
    if (!isExplained) lines.push({ refused: `it ended with ${code}: ${await this.#stderr}` });
    return lines;
  }

  async #read(): Promise<string> {
    let text = "";
    for await (const part of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes("\n")) this.#ready.resolve();
      if (part.includes('"done"')) this.#done.resolve();
    }
    for (const { promise, reject } of [this.#ready, this.#done]) {
      promise.catch(() => {}); // nobody may be waiting for it
      reject(new Error("ended"));
    }
    return text;
  }
}
