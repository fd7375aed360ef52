/** How many answers had each body, and how many requests failed. */
export interface TrafficCount {
  answers: Map<string, number>;
  failed: number;
}

export interface TrafficOptions {
  url: string;
  requests: number;
  /** Requests in flight at once, each over its own kept-alive connection. */
  connections: number;
  signal: AbortSignal;
  /** Called after each answer with the number of requests done. */
  onProgress?: (done: number) => void;
}

/** Sends a number of GET requests and counts the answers by their trimmed body. */
export async function sendTraffic(options: TrafficOptions): Promise<TrafficCount> {
  const { url, requests, connections, signal, onProgress } = options;
  const count: TrafficCount = { answers: new Map(), failed: 0 };
  let started = 0;
  let done = 0;
  const send = async () => {
    while (started < requests && !signal.aborted) {
      started++;
      const body = await bodyOf(url, signal);
      if (body === undefined) count.failed++;
      else count.answers.set(body, (count.answers.get(body) ?? 0) + 1);
      onProgress?.(++done);
    }
  };
  await Promise.all(Array.from({ length: connections }, send));
  return count;
}

/** `undefined` when there was no answer or an error. */
async function bodyOf(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal });
    const body = (await answer.text()).trim();
    return answer.ok ? body : undefined;
  } catch {
    return undefined; // refused or cut off: counted as failed
  }
}
