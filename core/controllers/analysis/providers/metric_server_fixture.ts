import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, issueServer } from "../../../api/access/pki_certificates.ts";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import type { Metric } from "../../../resources/argoproj/mod.ts";
import { services } from "../../../resources/core/services/services.ts";
import { endpointSlices } from "../../../resources/discovery/endpoint_slices.ts";
import { TestCluster } from "../../test_cluster.ts";
import type { Answer, Ask } from "../measuring.ts";
import { OutgoingRequests } from "../requests/outgoing_requests.ts";
import { TargetPolicy } from "../requests/target_policy.ts";
import { measurer, type MeasurerOptions } from "./measurer.ts";

/** What a server was asked. */
export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** What it answers: a text, JSON, a status, or whatever the listener does. */
export type Reply =
  | { status?: number; headers?: Record<string, string>; text?: string; json?: unknown }
  | RequestListener;

/** A server on loopback behind the Service `api.default`, as metrics see it. */
export class MetricServer implements AsyncDisposable {
  readonly cluster = new TestCluster();
  readonly clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  readonly seen: Seen[] = [];
  readonly environment: Record<string, string> = {};
  readonly files: Record<string, string> = {};

  private constructor(
    readonly port: number,
    readonly authority: string,
    readonly close: () => Promise<void>,
  ) {
    for (const name of ["api", "kubernetes"]) {
      this.cluster.put(services, { metadata: { name }, spec: { ports: PORTS } });
      this.cluster.put(endpointSlices, {
        metadata: { name, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        ports: [{ name: "http", port }, { name: "https", port }],
        endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
      });
    }
  }

  static async open(reply: (seen: Seen) => Reply, { isTls = false } = {}): Promise<MetricServer> {
    let server: MetricServer | undefined = undefined as MetricServer | undefined;
    const listener: RequestListener = async (request, response) => {
      let body = "";
      for await (const piece of request) body += piece;
      const { method = "", url: path = "", headers } = request;
      const seen = { method, path, headers, body };
      server!.seen.push(seen);
      const said = reply(seen);
      if (typeof said === "function") return said(request, response);
      response.writeHead(said.status ?? 200, said.headers);
      response.end(said.text ?? JSON.stringify(said.json));
    };
    const authority = await createAuthority("metrics");
    const names = ["api.default.svc", "kubernetes.default.svc"];
    const { certificate, key } = await issueServer(authority, { commonName: "api" }, names);
    const http = isTls
      ? createTlsServer({ cert: certificate, key }, listener)
      : createServer(listener);
    await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
    const { port } = http.address() as AddressInfo;
    server = new MetricServer(port, authority.certificate, () => {
      http.closeAllConnections();
      return new Promise((done) => http.close(() => done()));
    });
    return server;
  }

  get #options(): MeasurerOptions {
    const { cluster: view, clock, authority } = this;
    return {
      ...{ view, clock, authority, policy: new TargetPolicy() },
      environment: (name) => this.environment[name],
      homeFile: (path) => Promise.resolve(this.files[path]),
    };
  }

  requests(allowed: readonly string[] = []): OutgoingRequests {
    return new OutgoingRequests({ ...this.#options, policy: new TargetPolicy(allowed) });
  }

  /** The answer to one measurement of a metric. */
  measure(
    metric: Partial<Metric>,
    { allowed = [], signal = new AbortController().signal }: {
      allowed?: readonly string[];
      signal?: AbortSignal;
    } = {},
  ): Promise<Answer> {
    const measure = measurer({ ...this.#options, policy: new TargetPolicy(allowed) });
    return measure(askFor(metric), signal);
  }

  /** Several measurements by one measurer. */
  shared(): { measure(metric: Partial<Metric>, signal?: AbortSignal): Promise<Answer> } {
    const measure = measurer(this.#options);
    return {
      measure: (metric: Partial<Metric>, signal = new AbortController().signal) =>
        measure(askFor(metric), signal),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const PORTS = [{ name: "http", port: 80 }, { name: "https", port: 443 }];

export function askFor(metric: Partial<Metric>): Ask {
  return {
    run: { namespace: "default", name: "run", uid: "u", labels: {} },
    metric: { name: "m", provider: {}, ...metric },
    number: 1,
  };
}
