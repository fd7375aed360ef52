import type { SecondMachine } from "../../tests/e2e/second_machine.ts";

/** Asks addresses of a machine, from inside it, until each has answered. */
export class Prober {
  readonly #lines: AsyncIterator<string>;
  readonly #begunMs: number;

  private constructor(lines: AsyncIterator<string>) {
    this.#lines = lines;
    this.#begunMs = performance.now();
  }

  /** Resolves when it asks: time begins now. */
  static async start(machine: SecondMachine, addresses: readonly string[]): Promise<Prober> {
    const child = machine.spawn(Deno.execPath(), ["run", "-A", PROGRAM, ...addresses]);
    void child.stderr.cancel();
    const lines = linesOf(child.stdout);
    await lines.next();
    return new Prober(lines);
  }

  /** Milliseconds since the start until all have answered. */
  async untilAllAnswer(): Promise<number> {
    const { value } = await this.#lines.next();
    if (value !== "all") throw new Error(`Not all pods answer: ${value ?? "the prober has ended"}`);
    return performance.now() - this.#begunMs;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

const PROGRAM = new URL("./prober_main.ts", import.meta.url).pathname;
