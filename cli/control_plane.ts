import { EventRecorder } from "../core/client/event_recorder.ts";
import { createControllers } from "../core/controllers/mod.ts";
import { runLoop } from "../core/controllers/run_controller.ts";
import { LocalClient } from "../core/objects/local_client.ts";
import { Objects } from "../core/objects/objects.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import { PLUGINS } from "../core/scheduler/plugins/mod.ts";
import { scheduler } from "../core/scheduler/scheduler.ts";
import { DataLockedError } from "../core/store/data_lock.ts";
import { KvJournal } from "../core/store/kv_journal.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import { CommandError } from "./command.ts";
import { type Ground, keepRunning } from "./ground.ts";

/** The parts of the control plane that others build on. */
export interface ControlPlane {
  store: MemoryStore;
  objects: Objects;
  client: LocalClient;
  events: EventRecorder;
}

/** Opens the store and lays the verbs over it. Nothing runs yet. */
export async function openControlPlane(
  ground: Ground,
  { serviceCidr, host }: { serviceCidr: string; host: string },
): Promise<ControlPlane> {
  const { clock, random, log, parts } = ground;
  const store = await openStore(ground);
  parts.defer(() => store.close());
  const objects = new Objects({ store, clock, random, serviceCidr });
  const client = new LocalClient(objects, { user: "system:coracle" });
  const stop = new AbortController();
  const events = new EventRecorder({ client, clock, log, host, signal: stop.signal });
  parts.defer(() => stop.abort(new Error("The server stops")));
  return { store, objects, client, events };
}

/** Starts the controllers and the scheduler. */
export function runControllers(ground: Ground, { client, events }: ControlPlane): void {
  const { clock, log, flags: { gatewayAddress } } = ground;
  const parts = { client, view: client, clock, log, events };
  const controllers = createControllers({ resources: RESOURCES, gatewayAddress });
  for (const loop of [...controllers, scheduler(PLUGINS)]) {
    keepRunning(ground, loop.name, (signal) => runLoop(loop, parts, signal));
  }
}

async function openStore({ dataFolder, fail }: Ground): Promise<MemoryStore> {
  try {
    const journal = await KvJournal.open(`${dataFolder}/store.kv`);
    return await MemoryStore.open(journal, {
      resources: RESOURCES,
      freezing: "none",
      onStopped: fail,
    });
  } catch (error) {
    if (error instanceof DataLockedError) throw new CommandError(error.message);
    throw error;
  }
}
