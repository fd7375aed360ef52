import { NodeMirror } from "../../../client/feed/node_mirror.ts";
import type { Source } from "../../../client/list_watch.ts";
import { type ApiRequest, ServerLink } from "../../../client/server_link.ts";
import { silentLog } from "../../../lib/log.ts";
import { Random } from "../../../lib/random.ts";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import { LocalClient } from "../../../objects/local_client.ts";
import type { KubeObject } from "../../../resources/resource.ts";
import { MemoryDisk } from "../../../store/memory_journal.ts";
import { type ApiFixture, freshApi } from "../../api_fixture.ts";
import { nodeUser } from "../../access/nodes/node_identity.ts";
import { FOLLOWED_KINDS } from "./followed_kinds.ts";

const NODES = ["edge", "other", "third"];
/** All that can be followed. */
export const SOURCES: readonly Source[] = FOLLOWED_KINDS.map(({ resource }) => ({ resource }));
const TURNS_MAX = 2_000;

/** A server without sockets, which can be restarted on its disk, and nodes that follow it. */
export class FeedFixture {
  readonly clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  disk = new MemoryDisk();
  /** What nodes have had to do with so far, as a test notes it: `node kind name`. */
  readonly wasRelated = new Set<string>();
  #api!: ApiFixture;

  static async start(): Promise<FeedFixture> {
    const fixture = new FeedFixture();
    await fixture.startServer();
    return fixture;
  }

  get api(): ApiFixture {
    return this.#api;
  }

  get local(): LocalClient {
    return new LocalClient(this.#api.objects);
  }

  /** On the disk as it is now; earlier connections must have been cut. */
  async startServer(): Promise<void> {
    const { clock, disk } = this;
    const users = Object.fromEntries(NODES.map((name) => [name, nodeUser(name)]));
    await clock.advance(1);
    this.#api = await freshApi({ clock, disk, users });
  }

  /** Waits until it holds, in time of the clock. */
  async until(holds: () => boolean, what = "it holds"): Promise<void> {
    for (let turns = 0; !holds(); turns++) {
      if (turns === TURNS_MAX) throw new Error(`${what} does not come true`);
      await this.clock.advance(50);
    }
  }

  /** Lets what is on its way arrive. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 6; turns++) await this.clock.advance(1);
  }
}

/** A node that follows the server of a fixture, over a link that can be cut. */
export class FollowingNode {
  readonly mirror: NodeMirror;
  readonly link: ServerLink;
  readonly #stop = new AbortController();
  #cut = new AbortController();
  #isDown = false;
  /** Requests that came through. */
  readonly asked: string[] = [];
  /** Of heads and bodies, as HTTP/1.1 has them. */
  readonly bytes = { up: 0, down: 0 };

  constructor(
    readonly fixture: FeedFixture,
    readonly name: string,
    { sources = SOURCES, refuse = () => undefined }: {
      sources?: readonly Source[];
      /** Stands between: an answer of its own in place of the server's. */
      refuse?: (path: string) => Response | undefined;
    } = {},
  ) {
    const { clock } = fixture;
    const log = silentLog(clock);
    this.link = new ServerLink({
      ...{ clock, log, server: "server" },
      transport: (request) => this.#send(request, refuse),
    });
    const random = new Random(1);
    this.mirror = new NodeMirror({ link: this.link, node: name, sources, clock, random, log });
  }

  start(): Promise<void> {
    return this.mirror.start(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the test ends"));
    await this.mirror.ended();
  }

  /** All that it shows. */
  saved(): KubeObject[] {
    return SOURCES.flatMap(({ resource }) => [...this.mirror.list<KubeObject>(resource)]);
  }

  /** Breaks what is open; nothing comes through until {@linkcode heal}. */
  cut(): void {
    this.#isDown = true;
    this.#cut.abort(new TypeError("connection reset by peer"));
    this.#cut = new AbortController();
  }

  heal(): void {
    this.#isDown = false;
  }

  /** Waits until the node has heard everything. */
  async caughtUp(): Promise<void> {
    await this.fixture.until(() => this.mirror.isInStep, `${this.name} is current`);
    await this.fixture.settle();
  }

  async #send(
    { method, path, signal }: ApiRequest,
    refuse: (path: string) => Response | undefined,
  ): Promise<Response> {
    if (this.#isDown) throw new TypeError("connection refused");
    const cut = this.#cut.signal;
    this.asked.push(path);
    const headers = {
      "host": "192.0.2.1:6443",
      "accept": "application/json",
      "user-agent": "coracle-agent/0.1.0",
      "authorization": `Bearer ${this.name}`,
    };
    const answer = refuse(path) ?? await this.fixture.api.api.app.request(path, {
      ...{ method, headers, signal },
    });
    this.bytes.up += headBytes(`${method} ${path} HTTP/1.1`, Object.entries(headers));
    this.bytes.down += headBytes("HTTP/1.1 200 OK", [...answer.headers]);
    const body = answer.body && cuttable(answer.body, cut, (bytes) => {
      this.bytes.down += bytes;
    });
    return new Response(body, { status: answer.status });
  }
}

function headBytes(first: string, headers: readonly (readonly [string, string])[]): number {
  return headers.reduce(
    (sum, [name, value]) => sum + name.length + value.length + 4,
    first.length + 4,
  );
}

function cuttable(
  body: ReadableStream<Uint8Array>,
  cut: AbortSignal,
  count: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    start(controller) {
      const lose = () => {
        controller.error(cut.reason);
        reader.cancel().catch(() => {}); // it has ended
      };
      cut.addEventListener("abort", lose);
      if (cut.aborted) lose();
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (cut.aborted) return;
      if (done) return controller.close();
      count(value.length);
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
