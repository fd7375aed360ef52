import type { MutableCatalog } from "../resources/catalog.ts";
import type { ServedTraffic } from "../traffic/served_traffic.ts";
import type { Measure } from "./analysis/measuring.ts";
import type { AskApi } from "./autoscaling/metrics_api.ts";
import type { SecretTokenSigner } from "./cluster/account_token_secrets.ts";
import type { CertificateSigner } from "./cluster/certificate_signing.ts";
import type { NodeLifecycleOptions } from "./nodes/large_outages.ts";
import type { NodeBlocks } from "./nodes/node_ranges.ts";
import type { NodeTunnels } from "./nodes/remote_addresses.ts";
import type { Loop } from "./runtime/controller.ts";
import type { LoopOnDemand } from "./runtime/loop_on_demand.ts";

/** What controllers are given. */
export interface ControllerOptions {
  /** Every kind that is served: what namespaces hold, and what owners and dependents may be. */
  catalog: MutableCatalog;
  /** Where listeners of Gateways are opened; `0.0.0.0` for all addresses. */
  gatewayAddress: string;
  /** Addresses of which each load balancer gets one, in CIDR notation; absent: they have those of the nodes. */
  balancerRange?: string;
  /** Ranges of pods' addresses that no node is given. */
  reservedRanges?: readonly string[];
  /** Of what nodes get their ranges; absent: the usual. */
  nodeBlocks?: NodeBlocks;
  /** When nodes are lost, and how fast their pods are evicted; absent: as in Kubernetes. */
  nodeLifecycle?: NodeLifecycleOptions;
  /** Certificate of the authority by which pods know the API server, as PEM; absent: they do not get one. */
  authority?: string;
  /** Signs certificates with its key; absent: nobody does. */
  signer?: CertificateSigner;
  /** Makes tokens for Secrets to hold; absent: these get none. */
  tokenSigner?: SecretTokenSigner;
  /** Asks the API of this server for measurements; absent: there are none. */
  ask?: AskApi;
  /** What the proxies serve; absent: nobody knows. */
  traffic?: ServedTraffic;
  /** The tunnels of nodes; absent: there are none. */
  tunnels?: NodeTunnels;
  /** Makes the measurements of AnalysisRuns; absent: there are none. */
  measure?: Measure;
}

type OptionalKeys = Exclude<
  keyof ControllerOptions,
  "authority" | "catalog" | "gatewayAddress" | "reservedRanges"
>;

/** The loop of a controller in a server with these options. */
export type ControllerDefinition = (
  options:
    & Required<Omit<ControllerOptions, OptionalKeys>>
    & Pick<ControllerOptions, OptionalKeys>,
) => Loop;

/** A controller whose code is loaded when an object needs it, see {@linkcode LoopOnDemand}. */
export interface ControllerOnDemand extends Omit<LoopOnDemand, "load"> {
  load(): Promise<ControllerDefinition>;
}
