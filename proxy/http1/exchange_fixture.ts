import { DEFAULT_SETTINGS, type GatewaySettings } from "../../core/resources/gateway/settings.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { BackendCounts } from "../../core/traffic/backend_counts.ts";
import { Backends } from "../backends/backends.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import { Balancer, slotsOf } from "../backends/balancer.ts";
import { LiveSplit } from "../backends/split.ts";
import { Deadlines } from "../connections/deadlines.ts";
import { HttpService } from "../exchange/http_service.ts";
import { RouteMatcher } from "../routing/route_matcher.ts";
import { NormalPath } from "../routing/normal_path.ts";
import { mirrorSplitsOf, type RouteMatch, type Rule } from "../table/route_table.ts";
import type { Endpoint } from "../../core/traffic/backends.ts";
import { ascii, textOf } from "../messages/characters.ts";
import { UpstreamConnection } from "./upstream_connection.ts";
import { ClientConnection } from "./client_connection.ts";
import { Head } from "../messages/head.ts";
import type { ClientSocket, SocketOwner, UpstreamOwner } from "../engine/engine.ts";

/** A socket in memory: keeps what is sent as text, and hands on what comes only while it is not paused. */
export class MemorySocket implements ClientSocket {
  readonly localAddress = "192.0.2.80";
  readonly localPort = 80;
  sent = "";
  hasEnded = false;
  isClosed = false;
  #isPaused = false;
  #coming: Uint8Array[] = [];
  #owner: SocketOwner | undefined;
  onSend: () => void = () => {};

  constructor(readonly clientAddress = "", readonly isEncrypted = false) {}

  own(owner: SocketOwner): void {
    this.#owner = owner;
  }

  /** What the other side sends, in pieces of the given sizes; the rest at once. */
  receive(text: string, sizes: readonly number[] = []): void {
    let at = 0;
    for (const size of [...sizes, text.length]) {
      if (at < text.length) this.#coming.push(ascii(text.slice(at, at + size)));
      at += size;
    }
    this.#deliver();
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isClosed) return true;
    this.sent += textOf(bytes, start, end);
    this.onSend();
    return true;
  }
  isSending(): boolean {
    return false;
  }
  pause(): void {
    this.#isPaused = true;
  }
  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }
  endSending(): void {
    this.hasEnded = true;
  }
  close(): void {
    this.isClosed = true;
  }
  exchangeEnded(): void {}
  keepAlive(): void {}

  #isDelivering = false;
  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    while (!this.#isPaused && !this.isClosed) {
      const next = this.#coming.shift();
      if (next === undefined) break;
      this.#owner!.onData(next, 0, next.length);
      next.fill(0); // the bytes were the owner's only until it returned
    }
    this.#isDelivering = false;
  }
}

/** A connection to an endpoint, as a test sees it. */
export interface MemoryUpstream {
  endpoint: Endpoint;
  socket: MemorySocket;
  owner: UpstreamOwner;
}

interface FixtureOptions {
  rule?: Partial<Rule>;
  endpoints?: number;
  settings?: Partial<GatewaySettings>;
  /** Of the client. */
  address?: string;
  isEncrypted?: boolean;
  match?: RouteMatch;
}

const ALL: RouteMatch = {
  path: { type: "PathPrefix", value: "/" },
  headers: [],
  queryParams: [],
};

/** One HTTP listener in memory, with two endpoints at one backend. `rule`: what its only route has besides. */
export class HttpFixture {
  readonly #address: string;
  readonly #isEncrypted: boolean;
  readonly #answerHead = new Head();
  readonly clock = new VirtualClock(0);
  readonly upstreams: MemoryUpstream[] = [];
  readonly service: HttpService;
  readonly backends = new Backends(() => {});
  /** Called for each new connection to an endpoint. */
  onConnect: (upstream: MemoryUpstream) => void = () => {};

  constructor(
    { rule = {}, endpoints = 2, settings = {}, match = ALL, ...client }: FixtureOptions = {},
  ) {
    this.#address = client.address ?? "192.0.2.1";
    this.#isEncrypted = client.isEncrypted ?? false;
    const addresses = Array.from({ length: endpoints }, (_, i) => `10.0.0.${i + 1}`);
    const { live } = this.backends.build([{
      name: "default/web:80",
      state: endpoints > 0 ? "valid" : "empty",
      endpoints: addresses.map((address) => ({ address, port: 80, podUid: address })),
    }]);
    const whole = { key: "r", shares: [{ weight: 1, backend: 0 }], ...rule };
    const balancer = new Balancer(slotsOf([1]), new Int32Array(1), 0);
    const routes = [{ hostname: "", match, rule: whole }];
    const matcher = new RouteMatcher(
      [{ hostname: "", settings: { ...DEFAULT_SETTINGS, ...settings }, routes }],
      (rule) => ({
        rule,
        split: new LiveSplit(rule.shares, { balancer, backends: live }),
        mirrors: mirrorSplitsOf(rule).map(({ shares }) =>
          new LiveSplit(shares, {
            balancer: new Balancer(
              slotsOf(shares.map(({ weight }) => weight)),
              new Int32Array(1),
              0,
            ),
            backends: shares.map(({ backend }) => live[backend]),
          })
        ),
      }),
    );
    this.service = new HttpService(
      {
        deadlines: new Deadlines(this.clock),
        requestHead: new Head(),
        responseHead: this.#answerHead,
        path: new NormalPath(),
        counts: { refused: 0 },
        mirrors: { inFlight: 0 },
        wallMs: () => this.clock.now(),
        connect: (endpoint) => this.#connect(endpoint),
        current: (backend) => backend,
      },
      matcher,
      80,
    );
  }

  /** A new client. */
  client(): { socket: MemorySocket; connection: ClientConnection } {
    const socket = new MemorySocket(this.#address, this.#isEncrypted);
    const connection = new ClientConnection(socket, this.service, () => {});
    socket.own(connection);
    return { socket, connection };
  }

  get counts(): BackendCounts {
    return this.backends.counts()["default/web:80"]!;
  }

  #connect(endpoint: LiveEndpoint): UpstreamConnection {
    const owner = new UpstreamConnection(endpoint, this.#answerHead);
    const socket = new MemorySocket();
    owner.socket = socket;
    socket.own(owner);
    const upstream = { endpoint: endpoint.endpoint, socket, owner };
    this.upstreams.push(upstream);
    this.onConnect(upstream);
    return owner;
  }
}
