import { dial } from "../../client/tunnel/dial.ts";
import type { ProxySettings } from "../../client/tunnel/uplink_proxy.ts";
import type { StreamKind } from "../../client/tunnel/tunnel.ts";
import { TunnelDialler } from "../../client/tunnel/tunnel_dialler.ts";
import type { TunnelTimes } from "../../client/tunnel/tunnel_times.ts";
import { HttpsTransport } from "../../client/https_transport.ts";
import { type Clock, SystemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log.ts";
import { Random } from "../../lib/random.ts";
import { ClientCertificates, type Revocations } from "../access/client_certificates.ts";
import { nodeUser } from "../access/nodes/node_identity.ts";
import { issueClient, type KeyPair } from "../access/pki_certificates.ts";
import { type ApiFixture, freshApi } from "../api_fixture.ts";
import type { FrontName, Served } from "../front/served.ts";
import { serveOnLoopback, testCredentials } from "../remote_fixture.ts";
import { STREAM_KINDS } from "./stream_kinds.ts";
import { Tunnels } from "./tunnels.ts";

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

/** A server on a port of its own whose nodes connect to it by tunnels, for tests. */
export class TunnelServer implements AsyncDisposable {
  readonly clock = new SystemClock();
  readonly #stop = new AbortController();
  readonly #ends: Promise<void>[] = [];

  private constructor(
    readonly tunnels: Tunnels,
    readonly fixture: ApiFixture,
    readonly served: Served,
    /** Users whose certificates are not accepted any more. */
    readonly revoked: Set<string>,
  ) {}

  static async start(
    { kinds = [], front = "auto", port = 0, agents = 0 }: {
      /** What the server answers besides. */
      kinds?: readonly StreamKind[];
      front?: FrontName;
      port?: number;
      /** How many the server knows of. */
      agents?: number;
    } = {},
  ): Promise<TunnelServer> {
    const credentials = await testCredentials;
    const { authority } = credentials;
    const clock = new SystemClock();
    const revoked = new Set<string>();
    const revocations: Revocations = { isRevoked: ({ name }) => revoked.has(name) };
    const tunnels = new Tunnels({
      ...{ clock, log: silentLog(clock), agents: () => agents },
      kindsFor: (guest) => [...STREAM_KINDS.map((create) => create({ guest })), ...kinds],
    });
    const certificates = new ClientCertificates({ authority, clock, revocations });
    const fixture = await freshApi({ clock, certificates, tunnels });
    const served = await serveOnLoopback(fixture, credentials, { front, port });
    return new TunnelServer(tunnels, fixture, served, revoked);
  }

  get url(): string {
    return `https://127.0.0.1:${this.served.address.port}`;
  }

  /** The agent of a node, which keeps a tunnel. */
  async agent(
    node: string,
    { kinds = [], times, clock = this.clock, url = this.url, proxies = {}, as = node }: {
      kinds?: readonly StreamKind[];
      times?: TunnelTimes;
      clock?: Clock;
      url?: string;
      proxies?: ProxySettings;
      /** Whose certificate it shows. */
      as?: string;
    } = {},
  ): Promise<TunnelDialler> {
    const access = { ...await accessOf(as), server: url };
    const dialler = new TunnelDialler({
      ...{ clock, random: new Random(node.length), log: silentLog(clock), server: url, kinds },
      dial: (options) => dial({ ...options, access, node, proxies }),
      ...(times && { times }),
    });
    this.#ends.push(dialler.run(this.#stop.signal));
    return dialler;
  }

  /** Requests by HTTPS with the certificate of a node. */
  async https(node: string): Promise<HttpsTransport> {
    return new HttpsTransport({ ...await accessOf(node), server: this.url });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the test ends"));
    await Promise.all(this.#ends);
    await this.served.stop(AbortSignal.abort());
  }
}

const pairs = new Map<string, Promise<KeyPair>>();

async function accessOf(node: string): Promise<
  { caPem: string; pair: KeyPair; token: undefined; userAgent: string }
> {
  const { authority } = await testCredentials;
  let pair = pairs.get(node);
  if (!pair) pairs.set(node, pair = certificateOf(node));
  return { caPem: authority, pair: await pair, token: undefined, userAgent: "coracle-agent/test" };
}

async function certificateOf(node: string): Promise<KeyPair> {
  const { authority, authorityKey } = await testCredentials;
  const { name, groups } = nodeUser(node);
  const subject = { commonName: name, organization: groups[0]! };
  return await issueClient(
    { certificate: authority, key: authorityKey },
    subject,
    new SystemClock().now() + YEAR_MS,
  );
}
