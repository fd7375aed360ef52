import { PassThrough } from "node:stream";
import { EchoSession } from "../client/echo_session.ts";
import type { NodeStreams } from "../client/node_streams.ts";
import type { Clock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { Random } from "../lib/random.ts";
import { VirtualClock } from "../lib/virtual_clock.ts";
import { bootstrap } from "../objects/bootstrap.ts";
import { LocalClient } from "../objects/local_client.ts";
import { Objects } from "../objects/objects.ts";
import { MutableCatalog } from "../resources/catalog.ts";
import { RESOURCES } from "../resources/mod.ts";
import type { RingLimits } from "../store/event_ring.ts";
import { declareKinds } from "../store/declared_kinds.ts";
import { followDefinitions } from "../store/defined_kinds.ts";
import { MemoryDisk, MemoryJournal } from "../store/memory_journal.ts";
import { TrafficReports } from "../traffic/traffic_reports.ts";
import { ClusterUsage } from "../usage/cluster_usage.ts";
import { MemoryStore, WATCH_LIMITS } from "../store/memory_store.ts";
import type { ClientCertificates } from "./access/client_certificates.ts";
import { AccountTokens } from "./access/service_accounts/account_tokens.ts";
import { newSigningKey, SigningKey } from "./access/service_accounts/signing_key.ts";
import type { CredentialService } from "./access/credential_answers.ts";
import { tokenId } from "./access/token_id.ts";
import { type Api, type ApiOptions, createApi } from "./app.ts";
import type { User } from "./http/api_context.ts";
import { ADMIN, type FrontProxy } from "./access/pki.ts";

const adminUser = { name: ADMIN.commonName, groups: [ADMIN.organization] };
/** Of all tests of a run: making one takes a moment. */
const signingKey = new SigningKey(newSigningKey());
export const TOKEN = "the-admin's-token";

/** A node whose every log is one line that says what was asked, and whose commands send back what they read. */
export const echoingNode: NodeStreams = {
  attach: (_pod, { streams }) =>
    Promise.resolve(() =>
      Promise.resolve(new EchoSession({ output: "attached\n", exitCode: 0 }, streams))
    ),
  connect: () => Promise.resolve(new PassThrough({ allowHalfOpen: true })),
  exec: (_pod, { command, streams }) => {
    const result = { output: `${command.join(" ")}\n`, exitCode: Number(command[1] ?? 0) };
    return Promise.resolve(() => Promise.resolve(new EchoSession(result, streams)));
  },
  async *logs(pod, { container, tailLines }) {
    yield new TextEncoder().encode(`${pod.name}/${container} tail=${tailLines}\n`);
  },
};

export interface ApiFixture {
  api: Api;
  objects: Objects;
  clock: Clock;
  /** Asks as the admin. An object becomes the JSON body. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Response>;
}

/** The API of a fresh cluster in memory, without sockets, for tests. */
export async function freshApi(
  {
    clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z")),
    nodeStreams = echoingNode,
    disk = new MemoryDisk(),
    watchLimits = WATCH_LIMITS,
    certificates,
    frontProxy,
    users = {},
    serviceOf,
    catalog = new MutableCatalog(RESOURCES),
    audit,
    tunnels,
    followedKinds,
  }: {
    /** Absent: no node can connect. */
    tunnels?: ApiOptions["tunnels"];
    /** Absent: those of the product. */
    followedKinds?: ApiOptions["followedKinds"];
    /** Absent: requests are not recorded. */
    audit?: ApiOptions["audit"];
    clock?: Clock;
    nodeStreams?: NodeStreams;
    /** What an API before this one has left. */
    disk?: MemoryDisk;
    watchLimits?: RingLimits;
    /** Absent: nobody is known by certificate. */
    certificates?: ClientCertificates;
    /** Absent: no Service can serve a group. */
    frontProxy?: () => Promise<FrontProxy>;
    /** Whom tokens name, besides the admin. */
    users?: Readonly<Record<string, User>>;
    /** Absent: credentials are neither listed nor revoked. */
    serviceOf?: (objects: Objects) => CredentialService;
    catalog?: MutableCatalog;
  } = {},
): Promise<ApiFixture> {
  const store = await MemoryStore.open(new MemoryJournal(disk), {
    resources: catalog.all,
    watchLimits,
  });
  declareKinds(store, catalog);
  const random = new Random(1);
  followDefinitions(store, catalog);
  const objects = new Objects({ store, clock, random, catalog });
  await bootstrap(objects, { apiAddress: "127.0.0.1", apiPort: 6443 });
  const credentials = serviceOf?.(objects);
  const usersById = new Map(Object.entries(users).map(([token, user]) => [tokenId(token), user]));
  const usage = new ClusterUsage({ view: new LocalClient(objects), clock, sources: new Map() });
  const api = createApi({
    usage,
    traffic: new TrafficReports({ view: new LocalClient(objects), clock }),
    accounts: new AccountTokens({ store, key: signingKey, clock, random }),
    objects,
    catalog,
    nodeStreams,
    clock,
    random,
    log: silentLog(clock),
    tokens: (id) =>
      usersById.get(id) ?? credentials?.register.userOfToken(id) ??
        (id === tokenId(TOKEN) ? adminUser : undefined),
    ...(credentials && { credentials }),
    version: "0.0.0",
    metrics: () => Promise.resolve("seen 1\n"),
    ...(certificates && { certificates }),
    ...(frontProxy && { frontProxy }),
    ...(audit && { audit }),
    ...(tunnels && { tunnels }),
    ...(followedKinds && { followedKinds }),
  });
  return {
    api,
    objects,
    clock,
    ask: async (method, path, body, headers = {}) =>
      await api.app.request(path, {
        method,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: bodyOf(body) }),
      }),
  };
}

function bodyOf(body: unknown): BodyInit {
  if (typeof body === "string" || body instanceof Uint8Array) return body as BodyInit;
  return JSON.stringify(body);
}
