import { HttpClient } from "../client/http_client.ts";
import { HttpsTransport } from "../client/https_transport.ts";
import type { Source } from "../client/list_watch.ts";
import { NodeMirror } from "../client/feed/node_mirror.ts";
import { Mirror } from "../client/mirror.ts";
import { ServerLink, type Transport } from "../client/server_link.ts";
import { SystemClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { Random } from "../lib/random.ts";
import { LocalClient } from "../objects/local_client.ts";
import { configMaps } from "../resources/core/config_maps.ts";
import { deployments } from "../resources/apps/deployments.ts";
import { pods } from "../resources/core/pods/pods.ts";
import { groupResourceOf, type KubeObject } from "../resources/resource.ts";
import type { RingLimits } from "../store/event_ring.ts";
import { MemoryDisk } from "../store/memory_journal.ts";
import { type ApiFixture, freshApi, TOKEN } from "./api_fixture.ts";
import { serve } from "./front/front.ts";
import type { Served, ServeOptions } from "./front/served.ts";
import type { FollowedKind } from "./watch/feed/followed_kinds.ts";
import { type Credentials, type CredentialStore, loadCredentials } from "./access/pki.ts";

/** Credentials of one run of the tests: making them takes longer than the tests. */
export const testCredentials: Promise<Credentials> = loadCredentials(
  inMemory(),
  [],
  new SystemClock().now(),
);

/** The node that follows. */
const NODE = "n1";

const MIRRORED: readonly Source[] = [
  { resource: configMaps },
  { resource: deployments },
  { resource: pods },
];

/** Where credentials are kept for as long as the test runs. */
export function inMemory(): CredentialStore {
  const files = new Map<string, string>();
  return {
    read: (name) => Promise.resolve(files.get(name)),
    write: (name, text) => Promise.resolve(void files.set(name, text)),
  };
}

/**
 * An API server on a port of its own, with a client and a mirror that reach it over HTTPS, for tests. The server can
 * be restarted; its disk stays.
 */
export class RemoteFixture {
  readonly client: HttpClient;
  readonly link: ServerLink;
  readonly mirror: Mirror | NodeMirror;
  /** What the mirror follows. */
  readonly sources: readonly Source[];
  readonly #clock = new SystemClock();
  readonly #disk: MemoryDisk;
  readonly #https: HttpsTransport;
  readonly #stop = new AbortController();
  readonly #watchLimits: RingLimits | undefined;
  readonly #heard = new Map<string, number>();
  readonly #startRevision: number;
  readonly #port: number;
  readonly #followedKinds: readonly FollowedKind[] | undefined;
  #fixture: ApiFixture;
  #served: Served;

  private constructor(
    { credentials, fixture, served, disk, sources, watchLimits, transport, followedKinds }: Parts,
  ) {
    this.#disk = disk;
    this.#fixture = fixture;
    this.#served = served;
    this.#watchLimits = watchLimits;
    this.#followedKinds = followedKinds;
    this.sources = sources;
    this.#port = served.address.port;
    const server = `https://127.0.0.1:${this.#port}`;
    this.#https = new HttpsTransport({
      server,
      caPem: credentials.authority,
      token: TOKEN,
      pair: undefined,
      userAgent: "test",
    });
    const clock = this.#clock;
    const log = silentLog(clock);
    const send = transport === undefined ? this.#https.send : transport(this.#https.send);
    this.link = new ServerLink({ transport: send, clock, log, server });
    this.client = new HttpClient(this.link);
    const random = new Random(1);
    const options = { link: this.link, sources, clock, random, log };
    this.mirror = followedKinds ? new NodeMirror({ ...options, node: NODE }) : new Mirror(options);
    this.#startRevision = fixture.objects.store.revision;
    for (const { resource } of sources) {
      this.mirror.subscribe(resource, ({ object }) => {
        this.#heard.set(groupResourceOf(resource), Number(object.metadata.resourceVersion));
      });
    }
  }

  /** `followedKinds`: those that a feed tells of, which is followed then. `transport`: what stands between the clients and the server. `prepare`: what is there before they come. */
  static async start(
    { sources = MIRRORED, watchLimits, transport, prepare, followedKinds }: {
      followedKinds?: readonly FollowedKind[];
      sources?: readonly Source[];
      watchLimits?: RingLimits;
      transport?: (send: Transport) => Transport;
      prepare?: (local: LocalClient) => Promise<void>;
    } = {},
  ): Promise<RemoteFixture> {
    const credentials = await testCredentials;
    const disk = new MemoryDisk();
    const fixture = await apiOn({ disk, watchLimits, followedKinds });
    await prepare?.(new LocalClient(fixture.objects));
    const served = await serveOnLoopback(fixture, credentials);
    const options = { disk, sources, watchLimits, transport, followedKinds };
    const parts = { credentials, fixture, served, ...options };
    const remote = new RemoteFixture(parts);
    await remote.mirror.start(remote.#stop.signal);
    return remote;
  }

  /** The server's own objects. */
  get objects(): ApiFixture["objects"] {
    return this.#fixture.objects;
  }

  /** Ends the server as a crash does: whatever is under way is cut off. */
  async stopServer(): Promise<void> {
    await this.#served.stop(AbortSignal.abort());
    await this.objects.store.settled();
  }

  /** Starts it again on its disk and its port. `prepare`: what happens there before anybody can ask. */
  async startServer(prepare?: (local: LocalClient) => Promise<void>): Promise<void> {
    this.#fixture = await apiOn({
      disk: this.#disk,
      watchLimits: this.#watchLimits,
      followedKinds: this.#followedKinds,
    });
    await prepare?.(new LocalClient(this.objects));
    this.#served = await serveOnLoopback(this.#fixture, await testCredentials, {
      port: this.#port,
    });
  }

  /** Resolves when the mirror has heard of all that the server has done since it started, and shows it. */
  async caughtUp(): Promise<void> {
    await this.#until((source) => this.#hasHeard(source) && this.#isSame(source));
  }

  /** Resolves when the mirror shows what the server does; of what came and went it need not have heard. */
  async showsAll(): Promise<void> {
    await this.#until((source) => this.#isSame(source));
  }

  async #until(holds: (source: Source) => boolean): Promise<void> {
    const { resolve, promise } = Promise.withResolvers<void>();
    const compare = () => {
      if (this.sources.every(holds)) resolve();
    };
    const stops = this.sources.map(({ resource }) => this.mirror.subscribe(resource, compare));
    compare();
    await promise;
    for (const stop of stops) stop();
  }

  #hasHeard({ resource }: Source): boolean {
    const name = groupResourceOf(resource);
    const last = this.objects.store.eventsAfter([name], this.#startRevision).at(-1);
    return last === undefined || (this.#heard.get(name) ?? 0) >= last.revision;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.mirror.ended();
    await this.#served.stop(AbortSignal.abort());
    this.#https.close();
  }

  #isSame({ resource }: Source): boolean {
    const there = this.objects.store.list([groupResourceOf(resource)]).map(({ object }) => object);
    const here = this.mirror.list(resource);
    return versionsOf(there) === versionsOf(here);
  }
}

interface Parts {
  credentials: Credentials;
  fixture: ApiFixture;
  served: Served;
  disk: MemoryDisk;
  sources: readonly Source[];
  watchLimits: RingLimits | undefined;
  transport: ((send: Transport) => Transport) | undefined;
  followedKinds: readonly FollowedKind[] | undefined;
}

async function apiOn(
  { disk, watchLimits, followedKinds }: Pick<Parts, "disk" | "watchLimits" | "followedKinds">,
): Promise<ApiFixture> {
  const clock = new SystemClock();
  return await freshApi({
    ...{ clock, disk },
    ...(watchLimits && { watchLimits }),
    ...(followedKinds && { followedKinds }),
  });
}

/** Lets an API listen on loopback, on a free port if none is given. */
export function serveOnLoopback(
  { api, clock }: Pick<ApiFixture, "api" | "clock">,
  { authority, server }: Pick<Credentials, "authority" | "server">,
  { port = 0, ...more }: Pick<Partial<ServeOptions>, "port" | "handshakeMs" | "front" | "log"> = {},
): Promise<Served> {
  const tls = { ...server, authority };
  return serve(api, { host: "127.0.0.1", port, tls, clock, log: silentLog(clock), ...more });
}

function versionsOf(objects: readonly KubeObject[]): string {
  return objects.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).join();
}
