/** Only a failure takes this long: a busy machine may be very slow. */
const WAIT_MS_MAX = 120_000;
const ASK_EVERY_MS = 100;

/** Asks `question` until it returns something, or the time is up: then it fails with `what`. */
export async function eventually<T>(
  what: string,
  question: () => Promise<T | undefined | false> | T | undefined | false,
  waitMs: number = WAIT_MS_MAX,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const answer = await within(what, deadline - performance.now(), () => question());
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    await later(ASK_EVERY_MS);
  }
  throw new Error(`Not within ${waitMs} ms: ${what}${last === undefined ? "" : ` (${last})`}`);
}

/** The result of `work`; rejects when it takes longer than `ms`. The work itself is not cancelled. */
export async function within<T>(what: string, ms: number, work: () => Promise<T> | T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not within ${Math.ceil(ms)} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after `ms`: for faults and moments that a test chooses, never to wait for a condition. */
export function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
