import { EventRecorder } from "../core/client/event_recorder.ts";
import { createControllers } from "../core/controllers/mod.ts";
import { runLoop } from "../core/controllers/runtime/run_controller.ts";
import { LocalClient } from "../core/objects/local_client.ts";
import { Objects } from "../core/objects/objects.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import { PLUGINS } from "../core/scheduler/plugins/mod.ts";
import { scheduler } from "../core/scheduler/scheduler.ts";
import type { MemoryStore } from "../core/store/memory_store.ts";
import { type Ground, keepRunning } from "./ground.ts";

/** The parts of the control plane that others build on. */
export interface ControlPlane {
  store: MemoryStore;
  objects: Objects;
  client: LocalClient;
  events: EventRecorder;
}

/** Lays the verbs over the store. Nothing runs yet. */
export function openControlPlane(
  ground: Ground,
  store: MemoryStore,
  { serviceCidr, host }: { serviceCidr: string; host: string },
): ControlPlane {
  const { clock, random, log, parts } = ground;
  const objects = new Objects({ store, clock, random, serviceCidr });
  const client = new LocalClient(objects, { user: "system:coracle" });
  const stop = new AbortController();
  const events = new EventRecorder({ client, clock, log, host, signal: stop.signal });
  parts.defer(() => stop.abort(new Error("The server stops")));
  return { store, objects, client, events };
}

/** Starts the controllers and the scheduler. `podCidr`: of the server's own node, which is not registered yet. */
export function runControllers(
  ground: Ground,
  { client, events }: ControlPlane,
  { podCidr }: { podCidr: string },
): void {
  const { clock, log, flags: { gatewayAddress } } = ground;
  const parts = { client, view: client, clock, log, events };
  const controllers = createControllers({
    ...{ resources: RESOURCES, gatewayAddress, clock, reservedRanges: [podCidr] },
  });
  for (const loop of [...controllers, scheduler(PLUGINS)]) {
    keepRunning(ground, loop.name, (signal) => runLoop(loop, parts, signal));
  }
}
