import type { Standby } from "../core/api/access/standby.ts";
import { orAborted } from "../core/lib/abort.ts";
import type { Clock } from "../core/lib/clock.ts";
import type { AnyResource } from "../core/resources/resource.ts";
import { Contender } from "../core/store/contender.ts";
import type { EtcdAccess } from "../core/store/etcd/etcd_client.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import { SealingEngine } from "../core/store/encryption/sealing_journal.ts";
import type { SharedEngine } from "../core/store/shared_engine.ts";
import { CommandError } from "./command_error.ts";
import type { CommandContext, Context } from "./context.ts";
import {
  type EtcdUrl,
  LEASE_SECONDS_DEFAULT,
  type ServerFlags,
  type StoreFlags,
  type StoreUrl,
} from "./options.ts";
import { SecretKeyFile } from "../core/store/encryption/secret_key_file.ts";
import type { ServerStore } from "./server.ts";

/** Starts to follow a store that this server shares with others. It competes for ownership once `whenOwned` is called. */
export async function openSharedStore(
  context: CommandContext<ServerFlags>,
  url: StoreUrl,
  resources: readonly AnyResource[],
): Promise<ServerStore> {
  const { flags, clock, log, parts, fail } = context;
  if (flags.takeOver !== undefined) {
    throw new CommandError(
      "--take-over is for a data folder: a shared store has one owner by itself",
      2,
    );
  }
  const sealer = await new SecretKeyFile(context.dataFolder).sealer(resources);
  if (sealer.keys.length === 0) {
    log.warn(
      'Secrets are not encrypted in the store: run "coracle secrets key" on one server, and copy the file to all',
    );
  }
  const shared = url.engine === "etcd"
    ? await openEtcd(flags, url, clock)
    : await openKv(flags, url.url, clock);
  const engine = new SealingEngine(shared, sealer);
  const store = MemoryStore.following({ resources, freezing: "none", onStopped: fail });
  const contender = new Contender({ engine, store, clock, log });
  const stop = new AbortController();
  const running = contender.run(stop.signal)
    .then(async () => fail(await (await contender.won).ended))
    .catch((error) => stop.signal.aborted || fail(error));
  parts.defer(async () => {
    stop.abort(new Error("The server stops"));
    if (contender.tenure) await store.close();
    else await running;
    engine.close();
  });
  const standby: Standby = (request) => refusalOf(contender, request, flags);
  const healthCheck = { name: "store", isVital: false, fault: () => standby("read") };
  return {
    store,
    isAlone: false,
    api: { standby, healthChecks: [healthCheck] },
    whenOwned: (address, run) => whenOwned(context, contender, { address, run }),
  };
}

/**
 * Calls `run` when this server owns the store: now, or later. Resolves with where the owner is, if it is another server;
 * waits until that is known, or the signal aborts.
 */
export async function whenOwned(
  { random, fail, signal }: Pick<Context, "random" | "fail" | "signal">,
  contender: Contender,
  { address, run }: { address: string; run: () => Promise<void> },
): Promise<string | undefined> {
  contender.contend({ id: random.uuid(), address });
  await orAborted(contender.settled, signal);
  if (contender.tenure) return void await run();
  void contender.won.then(run).catch(fail);
  return contender.owner?.address;
}

async function openKv(
  { storeLease }: StoreFlags,
  url: string,
  clock: Clock,
): Promise<SharedEngine> {
  const { KvEngine } = await import("../core/store/kv/kv_engine.ts");
  try {
    return await KvEngine.open({ url, clock, leaseMs: leaseMsOf(storeLease) });
  } catch (error) {
    throw new CommandError(`${(error as Error).message}; the token is DENO_KV_ACCESS_TOKEN`);
  }
}

async function openEtcd(
  flags: StoreFlags,
  { endpoints, prefix }: EtcdUrl,
  clock: Clock,
): Promise<SharedEngine> {
  const { EtcdEngine } = await import("../core/store/etcd/etcd_engine.ts");
  const { storeUser: user, storeLease } = flags;
  const access: EtcdAccess = { ...await pemsOf(flags), ...(user && { user }), endpoints };
  try {
    return new EtcdEngine({
      access,
      clock,
      prefix,
      leaseMs: leaseMsOf(storeLease),
    });
  } catch (error) {
    throw new CommandError(`Cannot use the certificates for etcd: ${(error as Error).message}`);
  }
}

function leaseMsOf(seconds = LEASE_SECONDS_DEFAULT): number {
  return seconds * 1_000;
}

async function pemsOf(
  { storeCacert, storeCert, storeKey }: StoreFlags,
): Promise<Pick<EtcdAccess, "caPem" | "pair">> {
  if ((storeCert === undefined) !== (storeKey === undefined)) {
    throw new CommandError("--store-cert and --store-key belong together: set both or neither", 2);
  }
  const [caPem, certificate, key] = await Promise.all(
    [storeCacert, storeCert, storeKey].map(pemIn),
  );
  return {
    ...(caPem !== undefined && { caPem }),
    ...(certificate !== undefined && key !== undefined && { pair: { certificate, key } }),
  };
}

async function pemIn(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new CommandError(`Cannot read "${path}": ${(error as Error).message}`);
  }
}

/** Only the owner answers, and only while nobody else can have become the owner. */
function refusalOf(
  { tenure, owner, fault }: Contender,
  request: "read" | "write",
  { standbyReads }: StoreFlags,
): string | undefined {
  if (tenure?.isSure()) return undefined;
  if (tenure) return "the store does not answer, and another server may own it by now";
  if (!owner) return `no server owns the store yet${fault ? `: ${fault.message}` : ""}`;
  if (request === "read" && standbyReads) return undefined;
  return `this server stands by: the store is owned by the server at ${owner.address}`;
}
