import type { Clock } from "../../core/lib/clock.ts";

/** What became of requests: by the version that answered, as its body says. */
export interface FlowCounts {
  versions: Map<string, { answers: number; errors: number }>;
  /** Requests that no version answered: cut off, refused, or answered by the proxy itself. */
  lost: number;
}

export interface FlowOptions {
  url: string;
  perSecond: number;
  /** Requests in flight at once, each over its own kept-alive connection. */
  connections: number;
  clock: Clock;
}

/** A steady flow of requests, and counts of their answers. */
export class Flow {
  readonly #options: FlowOptions;
  readonly #total = noCounts();
  #recent = noCounts();

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  /** Since the start. */
  get total(): FlowCounts {
    return this.#total;
  }

  /** Since the last mark. */
  get recent(): FlowCounts {
    return this.#recent;
  }

  /** Counts anew from now on. */
  mark(): void {
    this.#recent = noCounts();
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { connections } = this.#options;
    await Promise.all(Array.from({ length: connections }, () => this.#send(signal)));
  }

  async #send(signal: AbortSignal): Promise<void> {
    const { url, perSecond, connections, clock } = this.#options;
    const everyMs = 1_000 * connections / perSecond;
    let nextMs = clock.elapsed();
    while (!signal.aborted) {
      const counts = [this.#total, this.#recent];
      const answer = await answerOf(url, signal);
      if (signal.aborted) return;
      for (const each of counts) count(each, answer);
      nextMs = Math.max(nextMs + everyMs, clock.elapsed() - everyMs);
      await clock.sleep(nextMs - clock.elapsed(), signal).catch(() => {}); // rejects only when the signal aborts
    }
  }
}

function noCounts(): FlowCounts {
  return { versions: new Map(), lost: 0 };
}

interface Answer {
  version: string;
  isError: boolean;
}

/** `undefined`: lost. */
async function answerOf(url: string, signal: AbortSignal): Promise<Answer | undefined> {
  try {
    const answer = await fetch(url, { signal });
    const version = (await answer.text()).trim();
    return /^v\d+$/.test(version) ? { version, isError: !answer.ok } : undefined;
  } catch {
    return undefined; // refused or cut off
  }
}

function count(counts: FlowCounts, answer: Answer | undefined): void {
  if (answer === undefined) return void counts.lost++;
  const known = counts.versions.get(answer.version) ?? { answers: 0, errors: 0 };
  counts.versions.set(answer.version, {
    answers: known.answers + 1,
    errors: known.errors + (answer.isError ? 1 : 0),
  });
}
