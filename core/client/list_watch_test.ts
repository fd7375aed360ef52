import assert from "node:assert/strict";
import { silentLog } from "../lib/log.ts";
import { Random } from "../lib/random.ts";
import { VirtualClock } from "../lib/virtual_clock.ts";
import { configMaps } from "../resources/core/config_maps.ts";
import { ListWatch } from "./list_watch.ts";
import { MirroredKind } from "./mirrored_kind.ts";
import { ServerLink } from "./server_link.ts";

const EMPTY = JSON.stringify({ metadata: { resourceVersion: "1" }, items: [] });

/** A ListWatch whose server is away for minutes, and then answers watches as it is told. */
class Following {
  readonly clock = new VirtualClock();
  readonly link: ServerLink;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #answer: () => Response;
  #isAway = true;
  lists = 0;
  /** The versions that watches were to go on from. */
  readonly versions: (string | null)[] = [];

  constructor(answer: () => Response) {
    this.#answer = answer;
    const { clock } = this;
    const log = silentLog(clock);
    const transport = ({ path }: { path: string }) => this.#respond(path);
    this.link = new ServerLink({ transport, clock, log, server: "server" });
    this.#running = new ListWatch({
      ...{ link: this.link, clock, log, random: new Random(1), source: { resource: configMaps } },
      kind: new MirroredKind(configMaps as never),
      onListed: () => {},
    }).run(this.#stop.signal);
  }

  get watches(): number {
    return this.versions.length;
  }

  async untilWatched(): Promise<void> {
    await this.clock.advance(300_000);
    this.#isAway = false;
    for (let waits = 0; this.watches === 0 && waits < 100; waits++) await this.clock.advance(500);
    assert.equal(this.watches, 1);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #respond(path: string): Promise<Response> {
    if (this.#isAway) return Promise.reject(new TypeError("connection refused"));
    if (!path.includes("watch=true")) {
      this.lists++;
      return Promise.resolve(new Response(EMPTY));
    }
    this.versions.push(new URLSearchParams(path.split("?")[1]).get("resourceVersion"));
    return Promise.resolve(this.#answer());
  }
}

Deno.test("a watch that is given up is opened anew at once, however often the server could not be reached before", async () => {
  const following = new Following(() => new Response(new ReadableStream()));
  await following.untilWatched();
  following.link.suspect();
  await following.clock.advance(1_000);
  assert.equal(following.watches, 2);
  await following.end();
});

Deno.test("what is refused as too old is listed anew at once, and ever later when it is refused again", async () => {
  const status = JSON.stringify({ kind: "Status", code: 410, reason: "Expired", message: "old" });
  const streams: ReadableStreamDefaultController[] = [];
  const following = new Following(() =>
    streams.length > 0
      ? new Response(status, { status: 410 })
      : new Response(new ReadableStream({ start: (stream) => void streams.push(stream) }))
  );
  await following.untilWatched();
  streams[0]!.error(new TypeError("connection reset by peer"));
  for (let waits = 0; following.watches === 1 && waits < 100; waits++) {
    await following.clock.advance(500);
  }
  assert.deepEqual([following.lists, following.watches], [1, 2]);
  await following.clock.advance(1_000);
  assert.equal(following.lists, 2);
  await following.clock.advance(600_000);
  assert.ok(following.lists < 40, `${following.lists} lists in ten minutes`);
  await following.end();
});

Deno.test("a watch goes on from the last that was seen, change or bookmark", async () => {
  const lines = ["ADDED 5", "MODIFIED 7", "DELETED 8", "BOOKMARK 11"].map((line) => {
    const [type, resourceVersion] = line.split(" ");
    const metadata = { namespace: "default", name: "a", uid: "a", resourceVersion };
    return `${
      JSON.stringify({ type, object: { apiVersion: "v1", kind: "ConfigMap", metadata } })
    }\n`;
  });
  const following = new Following(() => new Response(lines.shift() ?? new ReadableStream()));
  await following.untilWatched();
  for (let waits = 0; following.watches < 5 && waits < 1_000; waits++) {
    await following.clock.advance(500);
  }
  assert.deepEqual(following.versions, ["1", "5", "7", "8", "11"]);
  assert.equal(following.lists, 1);
  await following.end();
});
