import { HttpClient } from "../client/http_client.ts";
import { HttpsTransport } from "../client/https_transport.ts";
import type { Source } from "../client/list_watch.ts";
import { Mirror } from "../client/mirror.ts";
import { ServerLink, type Transport } from "../client/server_link.ts";
import { SystemClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { Random } from "../lib/random.ts";
import { configMaps } from "../resources/config_maps.ts";
import { deployments } from "../resources/deployments.ts";
import { pods } from "../resources/pods.ts";
import { groupResourceOf, type KubeObject } from "../resources/resource.ts";
import type { RingLimits } from "../store/event_ring.ts";
import { MemoryDisk } from "../store/memory_journal.ts";
import { type ApiFixture, freshApi, TOKEN } from "./api_fixture.ts";
import { serve, type Served } from "./front.ts";
import { type Credentials, type CredentialStore, loadCredentials } from "./pki.ts";

/** Credentials of one run of the tests: making them takes longer than the tests. */
export const testCredentials: Promise<Credentials> = loadCredentials(inMemory(), []);

const MIRRORED: readonly Source[] = [
  { resource: configMaps },
  { resource: deployments },
  { resource: pods },
];

function inMemory(): CredentialStore {
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
  readonly mirror: Mirror;
  /** What the mirror follows. */
  readonly sources: readonly Source[];
  readonly #clock = new SystemClock();
  readonly #disk = new MemoryDisk();
  readonly #https: HttpsTransport;
  readonly #stop = new AbortController();
  readonly #watchLimits: RingLimits | undefined;
  #fixture: ApiFixture;
  #served: Served;

  private constructor(
    { credentials, fixture, served, disk, sources, watchLimits, transport }: Parts,
  ) {
    this.#disk = disk;
    this.#fixture = fixture;
    this.#served = served;
    this.#watchLimits = watchLimits;
    this.sources = sources;
    const server = `https://127.0.0.1:${served.address.port}`;
    this.#https = new HttpsTransport({
      ...{ server, caPem: credentials.authority, token: TOKEN, pair: undefined },
      userAgent: "test",
    });
    const clock = this.#clock;
    const log = silentLog(clock);
    const send = transport === undefined ? this.#https.send : transport(this.#https.send);
    this.link = new ServerLink({ transport: send, clock, log, server });
    this.client = new HttpClient(this.link);
    const random = new Random(1);
    this.mirror = new Mirror({ link: this.link, sources, clock, random, log });
  }

  /** `transport`: what stands between the clients and the server. */
  static async start(
    { sources = MIRRORED, watchLimits, transport }: {
      sources?: readonly Source[];
      watchLimits?: RingLimits;
      transport?: (send: Transport) => Transport;
    } = {},
  ): Promise<RemoteFixture> {
    const credentials = await testCredentials;
    const disk = new MemoryDisk();
    const fixture = await apiOn(disk, watchLimits);
    const served = await listen(fixture, credentials, 0);
    const parts = { credentials, fixture, served, disk, sources, watchLimits, transport };
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

  /** Starts it again on its disk and its port. */
  async startServer(): Promise<void> {
    this.#fixture = await apiOn(this.#disk, this.#watchLimits);
    this.#served = await listen(this.#fixture, await testCredentials, this.#served.address.port);
  }

  /** Resolves when the mirror shows what the server does. */
  async caughtUp(): Promise<void> {
    const { resolve, promise } = Promise.withResolvers<void>();
    const compare = () => {
      if (this.sources.every((source) => this.#isSame(source))) resolve();
    };
    const stops = this.sources.map(({ resource }) => this.mirror.subscribe(resource, compare));
    compare();
    await promise;
    for (const stop of stops) stop();
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
}

async function apiOn(disk: MemoryDisk, watchLimits?: RingLimits): Promise<ApiFixture> {
  const clock = new SystemClock();
  return await freshApi({ clock, disk, ...(watchLimits && { watchLimits }) });
}

function listen(fixture: ApiFixture, credentials: Credentials, port: number): Promise<Served> {
  const { authority, server } = credentials;
  const { clock } = fixture;
  const tls = { ...server, authority };
  return serve(fixture.api, { host: "127.0.0.1", port, tls, clock, log: silentLog(clock) });
}

function versionsOf(objects: readonly KubeObject[]): string {
  return objects.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).join();
}
