/** The outcome of the requests of a {@linkcode PacedLoad}. */
export interface LoadReport {
  sent: number;
  /** Successful answers, by body. */
  answers: Map<string, number>;
  /** Why and when the others failed, in ms since the load began. */
  failures: { atMs: number; why: string }[];
}

export interface LoadOptions {
  /** `127.0.0.1` unless given. */
  hostname?: string;
  port: number;
  path?: string;
  perSecond: number;
  /** One of this many requests uses a new connection; the others use kept ones. */
  freshEvery?: number;
}

const TICK_MS = 4;
/** A machine that cannot keep the pace gets fewer requests, not a backlog that it can never answer. */
const IN_FLIGHT_MAX = 128;
/** A request without an answer for this long has failed. */
const ANSWER_MS_MAX = 60_000;

/**
 * Requests to one address at a steady pace, whatever happens to earlier ones (open loop, as far as the machine can).
 * Half of them are POSTs, which no proxy may repeat. Strict: nothing is sent twice, and anything but a complete answer
 * with status 200 is a failure.
 */
export class PacedLoad {
  readonly #options: Required<LoadOptions>;
  readonly #report: LoadReport = { sent: 0, answers: new Map(), failures: [] };
  readonly #idle: Connection[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  /** Requests that were due but not sent. */
  #skipped = 0;
  readonly #startMs = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: LoadOptions) {
    this.#options = { hostname: "127.0.0.1", path: "/", freshEvery: 5, ...options };
    this.#timer = setInterval(() => this.#sendDue(), TICK_MS);
  }

  get sent(): number {
    return this.#report.sent;
  }

  /** Stops the load; resolves when the last answer has arrived. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.#timer);
    await Promise.all(this.#inFlight);
    for (const connection of this.#idle.splice(0)) connection.close();
    return this.#report;
  }

  #sendDue(): void {
    const elapsedMs = performance.now() - this.#startMs;
    const due = elapsedMs * this.#options.perSecond / 1_000 - this.#skipped;
    while (this.#report.sent < due) {
      if (this.#inFlight.size >= IN_FLIGHT_MAX) {
        this.#skipped += due - this.#report.sent;
        return;
      }
      const count = ++this.#report.sent;
      const method = count % 2 === 0 ? "GET" : "POST";
      const isLast = count % this.#options.freshEvery === 0;
      const sending = this.#send({ method, isLast }).catch((error) => this.#fail(error))
        .finally(() => this.#inFlight.delete(sending));
      this.#inFlight.add(sending);
    }
  }

  async #send(request: Required<Request>): Promise<void> {
    const { path } = this.#options;
    const kept = request.isLast ? undefined : this.#idle.pop();
    const connection = kept ?? await Connection.open(this.#options);
    try {
      const body = await connection.ask(path, request);
      this.#report.answers.set(body, (this.#report.answers.get(body) ?? 0) + 1);
      if (request.isLast) connection.close();
      else this.#idle.push(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  #fail(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#report.failures.push({ atMs: Math.round(performance.now() - this.#startMs), why });
  }
}

interface Request {
  method?: "GET" | "POST";
  /** Whether the connection closes after it. */
  isLast?: boolean;
}

/** A connection for one request after another. */
export class Connection {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(16 * 1024);
  #isClosed = false;

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  static async open(
    { hostname = "127.0.0.1", port }: { hostname?: string; port: number },
  ): Promise<Connection> {
    const socket = await Deno.connect({ hostname, port });
    socket.setNoDelay(true);
    return new Connection(socket);
  }

  /** The body of the answer. Rejects unless it is a complete answer with status 200 and a length. */
  async ask(path: string, { method = "GET", isLast = false }: Request = {}): Promise<string> {
    const length = method === "POST" ? "content-length: 0\r\n" : "";
    const end = isLast ? "connection: close\r\n" : "";
    const head = `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${length}${end}\r\n`;
    const timer = setTimeout(() => this.close(), ANSWER_MS_MAX);
    try {
      await this.#socket.write(new TextEncoder().encode(head));
      return await this.#answer();
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  async #answer(): Promise<string> {
    let text = "";
    for (;;) {
      const count = await this.#socket.read(this.#buffer);
      if (count === null) throw new Error(`cut off after ${text.length} bytes`);
      text += new TextDecoder("latin1").decode(this.#buffer.subarray(0, count));
      const headEnd = text.indexOf("\r\n\r\n");
      if (headEnd < 0) continue;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
      const body = text.slice(headEnd + 4);
      if (body.length < length) continue;
      const status = text.slice(9, 12);
      if (status !== "200") throw new Error(`status ${status}: ${body.trim()}`);
      if (body.length !== length) throw new Error(`an answer of another length: ${text}`);
      return body.trim();
    }
  }
}
