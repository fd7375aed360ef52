/** Bulk on its way at once: at the start, at most, and at least. */
const START_BYTES = 32 * 1024;
const BYTES_MAX = 4 * 1024 * 1024;
const BYTES_MIN = 4 * 1024;
/** How much longer than the shortest a ping may take: it is then not queues that it waits in, but the reader's machine. */
const DELAY_MS = 25;
/** After how long the shortest ping is forgotten, at most twice: the route may have changed. */
const SHORTEST_KEPT_MS = 5 * 60_000;
/** Pings without an answer that are remembered. */
const PINGS_MAX = 1024;

interface SentPing {
  number: number;
  atMs: number;
  sentBytes: number;
  isLimited: boolean;
}

/**
 * How much of a tunnel may be on its way, by how long its pings take: enough to keep the path busy, and no more than the
 * queues on it hold for {@linkcode DELAY_MS}, so that small messages and pings are not held up. After LEDBAT (RFC 6817):
 * it grows and shrinks with the distance from the delay that is aimed at.
 */
export class Pace {
  #limit = START_BYTES;
  #sent = 0;
  #answered = 0;
  #pingedAt = 0;
  #pings: SentPing[] = [];
  #number = 0;
  #isLimited = false;
  #shortest = new Shortest();
  #rttMs: number | undefined;
  /** How often pings were answered. */
  #answers = 0;

  /** Of the last answered ping. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  get answers(): number {
    return this.#answers;
  }

  /** Bytes on their way at most. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether bulk has to wait for the answer to a ping. */
  isFull(): boolean {
    const isFull = this.#sent - this.#answered >= this.#limit;
    if (isFull) this.#isLimited = true;
    return isFull;
  }

  sent(bytes: number): void {
    this.#sent += bytes;
  }

  /** Whether a ping has to follow what was sent, so that it becomes known how much has arrived. */
  isPingDue(): boolean {
    return this.#sent - this.#pingedAt >= Math.min(this.#limit / 2, 128 * 1024);
  }

  /** A ping is sent now. Returns its number. */
  ping(atMs: number): number {
    const number = this.#number = (this.#number + 1) >>> 0;
    this.#pings.push({ number, atMs, sentBytes: this.#sent, isLimited: this.#isLimited });
    if (this.#pings.length > PINGS_MAX) this.#pings.shift();
    this.#pingedAt = this.#sent;
    this.#isLimited = false;
    return number;
  }

  /** A ping was answered: everything before it has arrived. False for one that was not sent, or not lately. */
  pong(number: number, nowMs: number): boolean {
    const at = this.#pings.findIndex((each) => each.number === number);
    if (at < 0) return false;
    const { atMs, sentBytes, isLimited } = this.#pings[at]!;
    this.#pings.splice(0, at + 1);
    const arrived = sentBytes - this.#answered;
    this.#answered = sentBytes;
    this.#answers++;
    this.#rttMs = nowMs - atMs;
    this.#shortest.add(this.#rttMs, nowMs);
    this.#adjust(arrived, isLimited || this.#isLimited);
    return true;
  }

  /** Whether a round trip of this length, measured at either end, means that queues have filled. */
  isSlow(rttMs: number): boolean {
    return rttMs > this.#shortest.ms + this.#delayMs();
  }

  #delayMs(): number {
    return Math.max(DELAY_MS, this.#shortest.ms);
  }

  #adjust(arrived: number, isLimited: boolean): void {
    const delayMs = this.#delayMs();
    const off = (delayMs - (this.#rttMs! - this.#shortest.ms)) / delayMs;
    if (off > 0 && !isLimited) return; // it was not tried whether more would fit
    const limit = Math.floor(this.#limit + arrived * Math.max(-0.5, off));
    this.#limit = Math.min(BYTES_MAX, Math.max(BYTES_MIN, limit));
  }
}

/** The shortest round trip of the last minutes. */
class Shortest {
  #sinceMs = 0;
  #ms = Infinity;
  #formerMs = Infinity;

  add(ms: number, nowMs: number): void {
    if (nowMs - this.#sinceMs > SHORTEST_KEPT_MS) {
      this.#sinceMs = nowMs;
      this.#formerMs = this.#ms;
      this.#ms = Infinity;
    }
    this.#ms = Math.min(this.#ms, ms);
  }

  get ms(): number {
    const ms = Math.min(this.#ms, this.#formerMs);
    return ms === Infinity ? 0 : ms;
  }
}
