import type { HealthCheck } from "../core/api/http/health.ts";
import type { Gate } from "../core/api/access/stand_by.ts";
import { orAborted } from "../core/lib/abort.ts";
import { RESOURCES } from "../core/resources/mod.ts";
import { Contender } from "../core/store/contender.ts";
import type { EtcdAccess } from "../core/store/etcd/etcd_client.ts";
import { MemoryStore } from "../core/store/memory_store.ts";
import type { SharedEngine } from "../core/store/shared_engine.ts";
import { CommandError } from "./command_error.ts";
import type { Ground } from "./ground.ts";
import type { ServerFlags } from "./options.ts";
import { type EtcdUrl, LEASE_SECONDS_DEFAULT, type StoreFlags, type StoreUrl } from "./options.ts";

/** A store that this server shares with others. */
export interface SharedStore {
  store: MemoryStore;
  contender: Contender;
  gate: Gate;
  healthChecks: readonly HealthCheck[];
}

/** Begins to follow. This server becomes the owner, if nobody else is, once it stands. */
export async function openSharedStore(
  { flags, clock, log, parts, fail }: Ground<ServerFlags>,
  url: StoreUrl,
): Promise<SharedStore> {
  if (flags.takeOver !== undefined) {
    throw new CommandError(
      "--take-over is for a data folder: a shared store has one owner by itself",
      2,
    );
  }
  const engine = url.engine === "etcd"
    ? await openEtcd(flags, url, clock)
    : await openKv(flags, url.url, clock);
  const options = { resources: RESOURCES, freezing: "none", onStopped: fail } as const;
  const store = MemoryStore.following(options);
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
  const gate: Gate = (request) => refusalOf(contender, request, flags);
  const fault = () => gate("read");
  return { store, contender, gate, healthChecks: [{ name: "store", isVital: false, fault }] };
}

/**
 * Runs the control plane when this server owns the store: now, or later. Where the owner is, if it is another one; waits
 * until that is known, or the signal aborts.
 */
export async function runAsOwner(
  { random, fail, signal }: Pick<Ground, "random" | "fail" | "signal">,
  contender: Contender,
  address: string,
  run: () => Promise<void>,
): Promise<string | undefined> {
  contender.stand({ id: random.uuid(), address });
  await orAborted(contender.settled, signal);
  if (contender.tenure) return void await run();
  void contender.won.then(run).catch(fail);
  return contender.owner?.address;
}

async function openKv(
  { storeLease }: StoreFlags,
  url: string,
  clock: Ground["clock"],
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
  clock: Ground["clock"],
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
    throw new CommandError("--store-cert and --store-key belong together: give both, or none", 2);
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

/** Only the owner answers, and only while nobody else can have become it. */
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
