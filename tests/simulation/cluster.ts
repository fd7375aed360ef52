import { silentLog } from "../../core/lib/log.ts";
import { Random } from "../../core/lib/random.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { MemoryStore } from "../../core/store/memory_store.ts";
import type { RouteTable } from "../../proxy/table/route_table.ts";
import { type DiskQuality, GOOD_DISK, WatchedDisk } from "./faulty_journal.ts";
import { GOOD_RUNTIME } from "./faulty_runtime.ts";
import { History } from "./history.ts";
import { GOOD_LINK } from "./connection.ts";
import { problemsOf } from "./liveness.ts";
import { SimulatedMachine } from "./machine.ts";
import { Safety } from "./safety.ts";
import { type Action, describe, MACHINES, type Scenario } from "./scenario.ts";
import { SimulatedServer } from "./server.ts";
import { SettableClock } from "./settable_clock.ts";
import { EDGE_GRACE_MS } from "./edge/edge_scenario.ts";
import { Traffic } from "./traffic.ts";
import { Users } from "./users.ts";
import { WatcherCheck } from "./watcher_check.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");
/** Virtual time within which the cluster must settle once faults have stopped. */
const LIVENESS_MS = 1_800_000;
/** Within it, the time after which somebody looks at updates that wait for what cannot come. */
const PATIENCE_MS = 1_200_000;
/** Writes that failed during a fault are retried within this time after it. */
const BACKLOG_MS = 65_000;
/** The last write has reached everybody by then. */
const PROPAGATION_MS = 1_000;
/** How long a settled cluster must stay quiet. */
const REST_MS = 30_000;
/** Heartbeats, and events that are still to be recorded. */
const MAY_CHANGE_WHEN_SETTLED: ReadonlySet<string> = new Set([
  "leases.coordination.k8s.io",
  "events",
]);
/** Timers fired in one run; more is an endless loop. */
const STEPS_MAX = 400_000;
/** A bad link stays bad for longer than other faults: little is sent in a second. */
const BAD_LINK_FACTOR = 4;
/** What has crashed runs again: also when nobody was told, after the second back-off. */
const CRASH_RECOVERY_MS = 60_000;
/** A server that cannot start is started again after this time. */
const SERVER_RETRY_MS = 1_000;

/** The result of one run. `fault`: the first violation, if there was any. */
export interface Outcome {
  fault: string | undefined;
  history: History;
}

/** Plays a scenario from beginning to end. The outcome depends on the scenario alone. */
export async function play(scenario: Scenario): Promise<Outcome> {
  const cluster = new SimulatedCluster(scenario);
  const fault = await cluster.run();
  return { fault, history: cluster.history };
}

/** A whole cluster in one thread, in virtual time. */
class SimulatedCluster {
  readonly clock = new VirtualClock(START_MS);
  readonly #serverClock = new SettableClock(this.clock);
  readonly history: History;
  readonly #scenario: Scenario;
  readonly #random: Random;
  readonly #safety: Safety;
  readonly #watchers: WatcherCheck;
  readonly #machines: readonly SimulatedMachine[];
  readonly #users: Users;
  readonly #traffic: Traffic;
  readonly #disk = new WatchedDisk();
  readonly #diskQuality: DiskQuality = { ...GOOD_DISK };
  readonly #machineTrouble = new Map<string, number>();
  readonly #faultEnds = new Map<string, number>();
  /** Since when the links of machines are cut, and since when their containers and agents run without a fault. */
  readonly #cuts = new Map<string, number>();
  readonly #calm = new Map<string, number>();
  #serverUpMs = 0;
  #serverClockMs = -Infinity;
  #server: SimulatedServer | undefined;
  #isServerWanted = false;
  #serverTroubleMs = -Infinity;
  #table: RouteTable | undefined;
  #steps = 0;
  #checkedSecond = 0;
  /** Number of changes that must not happen in a settled cluster. */
  #changes = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed ^ 0x5eed);
    this.history = new History(() => this.#elapsedMs);
    this.#safety = new Safety({
      elapsedMs: () => this.#elapsedMs,
      serverTroubleMs: () => this.#serverTroubleMs,
      machineTroubleMs: (name) =>
        Math.max(this.#machineTrouble.get(name) ?? -Infinity, this.#serverTroubleMs),
      ...(scenario.isAtEdge && {
        edge: {
          serverUpMs: () => this.#serverUpMs,
          serverClockMs: () => this.#serverClockMs,
          cutMs: (name: string) => this.#cuts.get(name),
        },
      }),
    });
    this.#watchers = new WatcherCheck({
      random: this.#random,
      eventsMax: scenario.watchLimits.eventsMax,
      onFault: (text) => this.#safety.fault(text),
    });
    this.#traffic = new Traffic(this.clock, this.#random);
    this.#machines = Array.from({ length: MACHINES }, (_, index) => this.#newMachine(index));
    this.#users = new Users({
      clock: this.clock,
      server: () => this.#server?.client,
      machines: this.#machines,
      record: (text) => this.history.record(text),
      onAnswer: (answer) => this.#safety.acknowledged(answer),
      onForced: (uid) => this.#safety.forced(uid),
    });
  }

  /** Returns the first violation, if there was any. */
  async run(): Promise<string | undefined> {
    try {
      await this.#start();
      for (const action of this.#scenario.actions) {
        await this.#advance(action.atMs);
        this.history.record(`* ${describe(action)}`);
        this.#perform(action);
      }
      await this.#advance(this.#scenario.untilMs);
      await this.#heal();
      await this.#settle();
      this.#watchers.finish();
    } catch (error) {
      this.#safety.fault(error instanceof Error ? error.stack ?? error.message : String(error));
    } finally {
      this.#stop();
    }
    return this.#safety.faults[0];
  }

  get #elapsedMs(): number {
    return this.clock.elapsed();
  }

  async #start(): Promise<void> {
    this.#startServer();
    if (!this.#scenario.isAtEdge) { for (const machine of this.#machines) machine.startAgent(); }
    await this.#advance(0);
  }

  /** Advances virtual time, one timer after the other, and checks everything after each. */
  async #advance(untilMs: number): Promise<void> {
    await this.clock.advance(0);
    while (this.#safety.faults.length === 0) {
      const restMs = untilMs - this.#elapsedMs;
      if (!await this.clock.fireNext(this.clock.now() + restMs)) {
        return await this.clock.advance(restMs);
      }
      this.#checkMachines();
      this.#watchers.step();
      if (++this.#steps > STEPS_MAX) throw new Error("The cluster never settles: a loop");
    }
    throw new Error("Stopped at the first fault");
  }

  /** Once a second is enough, because what is wrong stays wrong; each container start is checked too. */
  #checkMachines(): void {
    const second = Math.floor(this.#elapsedMs / 1_000);
    if (second === this.#checkedSecond) return;
    this.#checkedSecond = second;
    this.#safety.machines(this.#machines);
  }

  #perform(action: Action): void {
    switch (action.do) {
      case "crash":
      case "lose container":
        return this.#injectContainerFault(action);
      case "hang":
      case "bad runtime":
      case "slow runtime":
      case "bad link":
      case "link down":
      case "agent down":
      case "power loss":
        return this.#injectMachineFault(this.#machines[action.machine]!, action);
      case "join":
        return this.#machines[action.machine]!.startAgent();
      case "cut":
        return this.#cut(action.machines.map((index) => this.#machines[index]!), action.forMs);
      case "server down":
        this.#stopServer();
        return this.#endAfter("server", action.forMs, () => this.#startServer());
      case "bad disk":
      case "full disk":
        return this.#injectDiskFault(action.do, action.forMs);
      case "set clock":
        if (this.#machines[action.machine] === undefined) this.#serverClockMs = this.#elapsedMs;
        return (this.#machines[action.machine]?.clock ?? this.#serverClock).set(action.byMs);
      default:
        this.#users.act(action).catch((error) => this.#safety.fault(String(error)));
    }
  }

  #cut(machines: readonly SimulatedMachine[], forMs: number): void {
    for (const machine of machines) {
      machine.link.isUp = false;
      this.#cuts.set(machine.name, this.#elapsedMs);
      this.#machineTrouble.set(machine.name, Infinity);
    }
    this.#endAfter("the cut", forMs, () => {
      for (const machine of machines) this.#endCut(machine);
    });
  }

  #endCut(machine: SimulatedMachine): void {
    const { name } = machine;
    this.#safety.cutEnds(machine, this.#cuts.get(name)!, this.#calm.get(name) ?? 0);
    this.#cuts.delete(name);
    this.#machineTrouble.set(name, this.#elapsedMs);
    machine.link.isUp = true;
    machine.resume();
  }

  #injectContainerFault(
    { machine, share, do: act }: Action & { machine: number; share: number },
  ): void {
    const { runtime, name } = this.#machines[machine]!;
    this.#calm.set(name, this.#elapsedMs + CRASH_RECOVERY_MS);
    const running = runtime.containers.filter(({ state }) => state === "running");
    const victim = running[Math.floor(share * running.length)];
    if (victim === undefined) return;
    if (act === "crash") runtime.kill(victim.id, 1, { isNotified: share < 0.8 });
    else runtime.remove(victim.id);
  }

  #injectMachineFault(machine: SimulatedMachine, action: Action & { forMs: number }): void {
    const { name } = machine;
    const random = this.#random;
    const until = (end: () => void, factor = 1) => {
      this.#machineTrouble.set(name, Infinity);
      this.#calm.set(name, Infinity);
      this.#endAfter(`${action.do} ${name}`, action.forMs * factor, () => {
        if (!this.#cuts.has(name)) this.#machineTrouble.set(name, this.#elapsedMs);
        this.#calm.set(name, this.#elapsedMs + CRASH_RECOVERY_MS);
        end();
      });
    };
    switch (action.do) {
      case "hang":
        for (const { id } of machine.runtime.containers) machine.hanging.add(id);
        return until(() => machine.hanging.clear());
      case "bad runtime":
        Object.assign(machine.quality, { failure: 0.3, lateMaxMs: 800, silence: 0.3 });
        return until(() => Object.assign(machine.quality, GOOD_RUNTIME));
      case "slow runtime":
        Object.assign(machine.quality, { lateMaxMs: 900, silence: 0.2 });
        return until(() => Object.assign(machine.quality, GOOD_RUNTIME));
      case "bad link":
        Object.assign(machine.link, { loss: 0.15, duplication: 0.3, delayMaxMs: 1_500 });
        if (random.chance(0.5)) machine.cutConnections();
        return until(() => Object.assign(machine.link, GOOD_LINK), BAD_LINK_FACTOR);
      case "link down":
        machine.link.isUp = false;
        return until(() => {
          machine.link.isUp = true;
          machine.resume();
        });
      case "agent down":
        machine.killAgent();
        return until(() => machine.startAgent());
      default:
        machine.losePower();
        return until(() => machine.startAgent());
    }
  }

  #injectDiskFault(act: "bad disk" | "full disk", forMs: number): void {
    const bad = act === "full disk"
      ? { isFull: true }
      : { failure: 0.2, doubt: 0.2, lateMaxMs: 100 };
    Object.assign(this.#diskQuality, bad);
    this.#serverTroubleMs = Infinity;
    this.#endAfter("disk", forMs, () => {
      Object.assign(this.#diskQuality, GOOD_DISK);
      this.#noteServerTrouble();
    });
  }

  /** Ends a fault after a while. A second fault of the same kind before its end extends it. */
  #endAfter(what: string, forMs: number, end: () => void): void {
    const endMs = Math.max(this.#elapsedMs + forMs, this.#faultEnds.get(what) ?? 0);
    this.#faultEnds.set(what, endMs);
    this.clock.after(endMs - this.#elapsedMs, () => {
      if (this.#faultEnds.get(what) !== endMs) return;
      this.#faultEnds.delete(what);
      this.history.record(`* end of ${what}`);
      end();
    });
  }

  /** Notes whether the server is in trouble (down, or its disk bad) or was until now. */
  #noteServerTrouble(): void {
    if (this.#serverTroubleMs === -Infinity) return; // it has just been started
    const isBad = this.#faultEnds.has("server") || this.#faultEnds.has("disk");
    this.#serverTroubleMs = isBad ? Infinity : this.#elapsedMs;
  }

  #startServer(): void {
    this.#isServerWanted = true;
    const { clock } = this;
    SimulatedServer.start({
      clock: this.#serverClock,
      log: silentLog(clock),
      random: this.#random,
      disk: this.#disk,
      quality: this.#diskQuality,
      watchLimits: this.#scenario.watchLimits,
      ...(this.#scenario.isAtEdge && { nodeLifecycle: { graceMs: EDGE_GRACE_MS } }),
      onOpen: (store) => this.#watch(store),
      onTable: (table) => {
        this.#table = table;
        this.#traffic.route(table);
        this.#safety.routed(table);
      },
      onFault: (error) => this.#fault(error),
    }).then((server) => this.#serverStarted(server), () => {
      clock.after(SERVER_RETRY_MS, () => {
        if (this.#isServerWanted && this.#server === undefined) this.#startServer();
      });
    });
  }

  #serverStarted(server: SimulatedServer): void {
    if (!this.#isServerWanted || this.#server !== undefined) return server.kill();
    this.history.record("the server is up");
    this.#server = server;
    this.#serverUpMs = this.#elapsedMs;
    this.#noteServerTrouble();
  }

  #stopServer(): void {
    this.#isServerWanted = false;
    this.#server?.kill();
    this.#server = undefined;
    this.#serverTroubleMs = Infinity;
  }

  #watch(store: MemoryStore): void {
    this.#safety.opened(store, this.#disk);
    store.subscribe([], (event) => {
      this.history.change(event);
      this.#safety.changed(event, this.#disk);
      if (!MAY_CHANGE_WHEN_SETTLED.has(event.entry.key[0])) this.#changes++;
    });
    this.#watchers.attach(store);
  }

  #newMachine(index: number): SimulatedMachine {
    const { clock } = this;
    return new SimulatedMachine({
      name: `node-${index}`,
      index,
      clock,
      log: silentLog(clock),
      random: new Random(this.#scenario.seed ^ (index + 1) * 0x1000193),
      server: () => this.#server,
      isKeeping: this.#scenario.isAtEdge ?? false,
      onStart: (machine, container, isOrphaned) => {
        this.history.record(() => `${machine.name} starts ${container.id}`);
        this.#safety.started(machine, container, isOrphaned);
        this.#safety.machines(this.#machines);
      },
      onStop: (machine, podUid) => {
        const busyMs = this.#traffic.busyMs(podUid);
        this.#safety.stopping(machine, podUid, { table: this.#table, busyMs });
      },
      onMirrored: (machine, event) => this.#safety.mirrored(machine, event),
      onOccurrence: (what) => this.history.count(what),
      untilDrained: (podUid, signal) => {
        if (this.#traffic.isBusy(podUid)) this.history.count("a pod waited for its requests");
        return this.#traffic.untilDrained(podUid, signal);
      },
      onAnswer: (answer) => this.#safety.acknowledged(answer),
      onFault: (error) => this.#fault(error),
    });
  }

  #fault(error: unknown): void {
    this.#safety.fault(error instanceof Error ? error.stack ?? error.message : String(error));
  }

  /** Ends all faults, and lets users repair what they broke. */
  async #heal(): Promise<void> {
    this.history.record("* all faults end");
    this.#faultEnds.clear();
    Object.assign(this.#diskQuality, GOOD_DISK);
    if (this.#server === undefined && !this.#isServerWanted) this.#startServer();
    await this.#advance(this.#elapsedMs + 2 * SERVER_RETRY_MS);
    this.#noteServerTrouble();
    this.#cuts.clear();
    for (const machine of this.#machines) {
      Object.assign(machine.link, GOOD_LINK);
      Object.assign(machine.quality, GOOD_RUNTIME);
      machine.hanging.clear();
      this.#machineTrouble.set(machine.name, this.#elapsedMs);
      machine.startAgent();
      machine.resume();
    }
    await this.#drive(this.#users.tidy());
  }

  async #drive(work: Promise<void>): Promise<void> {
    let isDone = false;
    work.then(() => isDone = true, (error) => {
      isDone = true;
      this.#fault(error);
    });
    while (!isDone) await this.#advance(this.#elapsedMs + 10);
  }

  async #settle(): Promise<void> {
    const healedMs = this.#elapsedMs;
    const endMs = healedMs + LIVENESS_MS;
    let isPromoted = false;
    while (this.#problems().length > 0) {
      if (!isPromoted && this.#elapsedMs >= healedMs + PATIENCE_MS) {
        isPromoted = true;
        await this.#drive(this.#users.promotePastBroken());
      }
      if (this.#elapsedMs >= endMs) {
        return this.#safety.fault(
          `${LIVENESS_MS / 60_000} min after the last fault:\n  ${this.#problems().join("\n  ")}`,
        );
      }
      await this.#advance(this.#elapsedMs + 1_000);
    }
    this.history.record("the cluster has settled");
    await this.#staySettled(Math.max(healedMs + BACKLOG_MS, this.#elapsedMs + REST_MS));
  }

  /** Nothing is written any longer, except for writes that failed before, and those by `backlogMs`. */
  async #staySettled(backlogMs: number): Promise<void> {
    for (;;) {
      const [fromMs, before] = [this.#elapsedMs, this.#changes];
      await this.#advance(fromMs + REST_MS);
      const writes = this.#changes - before;
      if (this.#problems().length > 0) await this.#advance(this.#elapsedMs + PROPAGATION_MS);
      const [problem] = this.#problems();
      if (problem !== undefined) {
        return this.#safety.fault(`the cluster did not stay settled: ${problem}`);
      }
      if (writes === 0) return;
      if (fromMs >= backlogMs) return this.#safety.fault(`${writes} writes in a settled cluster`);
    }
  }

  #problems(): string[] {
    const machines = this.#machines;
    const server = this.#server;
    if (server === undefined) return ["the server is down"];
    return problemsOf({ view: server.client, machines, table: this.#table });
  }

  #stop(): void {
    this.#stopServer();
    for (const machine of this.#machines) machine.killAgent();
  }
}
