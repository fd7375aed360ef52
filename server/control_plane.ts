import { EventRecorder } from "../core/client/event_recorder.ts";
import { createControllers } from "../core/controllers/mod.ts";
import { whenNeeded } from "../core/controllers/runtime/loop_on_demand.ts";
import type { NodeTunnels } from "../core/controllers/nodes/remote_addresses.ts";
import type { SecretTokenSigner } from "../core/controllers/cluster/account_token_secrets.ts";
import type { ServedTraffic } from "../core/traffic/served_traffic.ts";
import type { Measure } from "../core/controllers/analysis/measuring.ts";
import type { AskApi } from "../core/controllers/autoscaling/metrics_api.ts";
import type { CertificateSigner } from "../core/controllers/cluster/certificate_signing.ts";
import { runLoop } from "../core/controllers/runtime/run_controller.ts";
import { HttpsWebhooks } from "../core/client/webhooks/webhook_transport.ts";
import { LocalClient } from "../core/objects/local_client.ts";
import { Objects, type ObjectsOptions } from "../core/objects/objects.ts";
import { WebhookAdmission } from "../core/objects/admission/webhooks/webhook_admission.ts";
import type { NodeBlocks } from "../core/controllers/nodes/node_ranges.ts";
import type { NodeLifecycleOptions } from "../core/controllers/nodes/large_outages.ts";
import type { MutableCatalog } from "../core/resources/catalog.ts";
import { scheduler } from "../core/scheduler/scheduler.ts";
import { declareKinds } from "../core/store/declared_kinds.ts";
import { followDefinitions } from "../core/store/defined_kinds.ts";
import type { MemoryStore } from "../core/store/memory_store.ts";
import { type Context, keepRunning } from "./context.ts";
import type { Registry } from "./registry.ts";

/** The parts of the control plane that others build on. */
export interface ControlPlane {
  store: MemoryStore;
  /** What kinds there are: all that is built from them follows its changes. */
  catalog: MutableCatalog;
  objects: Objects;
  client: LocalClient;
  events: EventRecorder;
}

interface PlaneSettings
  extends Pick<ObjectsOptions, "serviceCidr" | "enabledPlugins" | "eventLimits"> {
  catalog: MutableCatalog;
  /** The node that events come from. */
  host: string;
}

/** Creates what reads and writes objects in the store. Nothing runs yet. */
export function openControlPlane(
  { clock, random, log, parts }: Context,
  store: MemoryStore,
  { catalog, host, ...settings }: PlaneSettings,
): ControlPlane {
  parts.defer(declareKinds(store, catalog));
  parts.defer(followDefinitions(store, catalog));
  const objects = new Objects({ store, clock, random, hasAccounts: true, catalog, ...settings });
  const client = new LocalClient(objects, {
    user: "system:coracle",
    kinds: catalog,
    manager: "kube-controller-manager",
  });
  const transport = new HttpsWebhooks();
  parts.defer(() => transport[Symbol.dispose]());
  const { policies } = objects;
  objects.askWebhooks(
    new WebhookAdmission({ store, view: client, random, log, transport, policies }),
  );
  objects.conversions.askBy({ view: client, random, transport });
  const stop = new AbortController();
  const events = new EventRecorder({ client, clock, log, host, signal: stop.signal });
  parts.defer(() => stop.abort(new Error("The server stops")));
  return { store, catalog, objects, client, events };
}

export interface ControllerSettings {
  registry: Registry;
  gatewayAddress: string;
  /** Addresses of which each load balancer gets one. */
  balancerRange?: string;
  /** Ranges of pods' addresses that no node is given. */
  reservedRanges: readonly string[];
  nodeBlocks?: NodeBlocks;
  nodeLifecycle?: NodeLifecycleOptions;
  /** Certificate of the authority by which pods know the server, as PEM. */
  authority: string;
  /** Signs certificates with its key; absent: nobody does. */
  signer?: CertificateSigner;
  /** Makes tokens for Secrets to hold; absent: these get none. */
  tokenSigner?: SecretTokenSigner;
  /** Asks the API of this server. */
  ask: AskApi;
  traffic: ServedTraffic;
  tunnels: NodeTunnels;
  /** Makes the measurements of analyses; absent: there are none. */
  measure?: Measure;
}

/** Starts the controllers and the scheduler. */
export function runControllers(
  context: Context,
  { catalog, client, events }: ControlPlane,
  {
    registry,
    gatewayAddress,
    balancerRange,
    reservedRanges,
    authority,
    signer,
    tokenSigner,
    ...asked
  }: ControllerSettings,
): void {
  const { clock, log } = context;
  const { controllers, schedulerPlugins } = registry;
  const parts = { client, view: client, clock, log, events };
  const { ask, traffic, tunnels, measure, nodeBlocks, nodeLifecycle } = asked;
  const options = {
    ...{ catalog, gatewayAddress, reservedRanges, authority, ask, traffic, tunnels },
    ...(measure && { measure }),
    ...(nodeBlocks && { nodeBlocks }),
    ...(nodeLifecycle && { nodeLifecycle }),
    ...(signer && { signer }),
    ...(tokenSigner && { tokenSigner }),
    ...(balancerRange !== undefined && { balancerRange }),
  };
  for (const loop of [...createControllers(options, controllers), scheduler(schedulerPlugins)]) {
    keepRunning(context, loop.name, async (signal) => {
      const needed = "load" in loop ? await whenNeeded(loop, client, signal) : loop;
      if (needed) await runLoop(needed, parts, signal);
    });
  }
}
