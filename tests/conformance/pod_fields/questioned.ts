import { eventually } from "../../eventually.ts";

/** Reached by failures alone. */
const WAIT_MS_MAX = 60_000;

/** One request that a probe has made. */
export interface Question {
  path: string;
  headers: Headers;
  /** By `performance.now()`. */
  atMs: number;
}

/** The target of a probe: a server in the test that records every request and decides what is answered. */
export class Questioned {
  readonly #end = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #asked = new Map<string, Question[]>();
  readonly #answers = new Map<
    string,
    (questions: readonly Question[]) => Promise<number> | number
  >();

  constructor() {
    const { signal } = this.#end;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** How questions at a path are answered: with a status, from all that were asked so far. 200 without it. */
  answer(
    path: string,
    answer: (questions: readonly Question[]) => Promise<number> | number,
  ): void {
    this.#answers.set(path, answer);
  }

  questions(path: string): readonly Question[] {
    return this.#asked.get(path) ?? [];
  }

  /** The questions at a path, once there are so many. */
  async asked(path: string, count: number): Promise<readonly Question[]> {
    await eventually(
      `${count} questions at ${path}`,
      () => this.questions(path).length >= count,
      WAIT_MS_MAX,
    );
    return this.questions(path);
  }

  /** Questions that still wait for their answer are cut off. */
  async end(): Promise<void> {
    this.#end.abort();
    await this.#server.finished;
  }

  async #answer({ url, headers }: Request): Promise<Response> {
    const { pathname, search } = new URL(url);
    const path = pathname + search;
    const questions = this.#asked.get(path) ?? [];
    questions.push({ path, headers, atMs: performance.now() });
    this.#asked.set(path, questions);
    const status = await this.#answers.get(path)?.(questions) ?? 200;
    return new Response(status === 200 ? "fine" : "bad", { status });
  }
}
