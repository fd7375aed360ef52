import type { Clock } from "../../core/lib/clock.ts";
import type { ReportDetail, UsageSource } from "../../core/usage/cluster_usage.ts";
import type {
  ContainerReport,
  CpuUsage,
  NodeReport,
  PodReport,
  ProbeCount,
} from "../../core/usage/node_report.ts";
import type { ContainerReading, MachineReadings } from "./machine_readings.ts";

/** As often as metrics-server asks kubelets. */
const SAMPLE_MS = 15_000;
/** How long after a question it goes on sampling, so that the next one finds a window. */
const ASKED_MS = 120_000;
/** The window for whoever asks first. */
const FIRST_WINDOW_MS = 1_000;
/** A shorter one says nothing. */
const WINDOW_MS_MIN = 100;
/** How long a count of files holds. */
const FILES_MS = 60_000;

/** A container that runs. */
export interface MeasuredContainer {
  id: string;
  name: string;
  pid: number;
  startedAtMs: number;
  /** The folder of its own layer, and that of its logs. */
  layerFolder?: string;
  logFolder?: string;
}

export interface MeasuredPod {
  name: string;
  namespace: string;
  uid: string;
  startedAtMs: number;
  /** All its files but the layers of its containers. */
  folder: string;
  containers: readonly MeasuredContainer[];
}

export interface UsageReporterOptions {
  node: string;
  clock: Clock;
  readings: MachineReadings;
  pods(): readonly MeasuredPod[];
  /** Finds out what {@linkcode pods} needs; called before somebody's first question for a while. */
  prepare?(): Promise<void>;
  probes(): readonly ProbeCount[];
}

/** What had been used when, by the monotonic clock. */
interface Mark {
  totalNanos: number;
  elapsedMs: number;
}

/**
 * Measures what a node and its pods use, when somebody asks: then every 15 s for two minutes. Idle it does nothing.
 */
export class UsageReporter implements UsageSource {
  readonly #options: UsageReporterOptions;
  /** Where the present windows begin, by container id; the machine's own under "". */
  #marks: ReadonlyMap<string, Mark> = new Map();
  #last: { report: NodeReport; elapsedMs: number } | undefined;
  #asking: Promise<NodeReport> | undefined;
  readonly #files = new Map<string, { used: PodReport["files"]; elapsedMs: number }>();
  #askedMs = -Infinity;
  #cancel = () => {};
  #isClosed = false;

  constructor(options: UsageReporterOptions) {
    this.#options = options;
  }

  async report({ withFiles }: ReportDetail = { withFiles: false }): Promise<NodeReport> {
    this.#askedMs = this.#options.clock.elapsed();
    const report = await this.#current();
    return withFiles ? await this.withFiles(report) : report;
  }

  /** What is used now, without rates for what has no window. */
  sample(): NodeReport {
    const { clock, node, readings, pods, probes } = this.#options;
    const elapsedMs = clock.elapsed();
    const marks = new Map<string, Mark>();
    const rated = (key: string, totalNanos: number, sinceMs?: number): CpuUsage => {
      marks.set(key, { totalNanos, elapsedMs });
      return rateOf(
        this.#marks.get(key) ?? bornMark(sinceMs, this.#last?.elapsedMs),
        marks.get(key)!,
      );
    };
    const { cpu, ...machine } = readings.node();
    const report = {
      node,
      atMs: clock.now(),
      ...machine,
      cpu: rated("", cpu.totalNanos),
      pods: pods().flatMap((pod) => this.#podReport(pod, rated) ?? []),
      probes: [...probes()],
    };
    readings.keepOnly(marks.keys().reduce((ids, id) => ids.add(id), new Set<string>()));
    this.#marks = marks;
    this.#last = { report, elapsedMs };
    return report;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #podReport(
    { name, namespace, uid, startedAtMs, containers }: MeasuredPod,
    rated: (key: string, totalNanos: number, sinceMs?: number) => CpuUsage,
  ): PodReport | undefined {
    const { readings, clock } = this.#options;
    const read = containers.flatMap((container): [typeof container, ContainerReading][] => {
      const reading = readings.container(container.id, container.pid);
      return reading === undefined ? [] : [[container, reading]];
    });
    if (read.length === 0) return undefined;
    const network = readings.network(read[0]![0].pid);
    const reports = read.map(([container, { cpu, memory, processes }]): ContainerReport => {
      const sinceMs = clock.elapsed() - Math.max(0, clock.now() - container.startedAtMs);
      return {
        name: container.name,
        startedAtMs: container.startedAtMs,
        cpu: rated(container.id, cpu.totalNanos, sinceMs),
        memory,
        ...(processes !== undefined && { processes }),
      };
    });
    return { name, namespace, uid, startedAtMs, containers: reports, ...(network && { network }) };
  }

  async #current(): Promise<NodeReport> {
    const { clock } = this.#options;
    const ageMs = clock.elapsed() - (this.#last?.elapsedMs ?? -Infinity);
    const isRated = this.#last?.report.cpu.rate !== undefined;
    if (ageMs < SAMPLE_MS && isRated) return this.#last!.report;
    return await (this.#asking ??= this.#measure(ageMs).finally(() => this.#asking = undefined));
  }

  /** A window that began long ago tells nothing of the present. */
  async #measure(ageMs: number): Promise<NodeReport> {
    const { clock, prepare } = this.#options;
    await prepare?.();
    if (ageMs > 2 * SAMPLE_MS || this.#last === undefined) this.sample();
    await clock.sleep(FIRST_WINDOW_MS);
    const report = this.sample();
    this.#goOn();
    return report;
  }

  #goOn(): void {
    const { clock } = this.#options;
    this.#cancel();
    if (this.#isClosed) return;
    this.#cancel = clock.after(SAMPLE_MS, () => {
      if (clock.elapsed() - this.#askedMs > ASKED_MS) return;
      this.sample();
      this.#goOn();
    });
  }

  /** Counts the files of pods, one after the other; what was counted within a minute holds. */
  async withFiles(report: NodeReport): Promise<NodeReport> {
    const { pods } = this.#options;
    const measured = new Map(pods().map((pod) => [pod.uid, pod]));
    const reports: PodReport[] = [];
    for (const pod of report.pods) {
      const found = measured.get(pod.uid);
      reports.push(found ? await this.#podWithFiles(pod, found) : pod);
    }
    for (const key of this.#files.keys()) {
      if (this.#options.clock.elapsed() - this.#files.get(key)!.elapsedMs > FILES_MS) {
        this.#files.delete(key);
      }
    }
    return { ...report, pods: reports };
  }

  async #podWithFiles(pod: PodReport, { folder, containers }: MeasuredPod): Promise<PodReport> {
    const layers = containers.flatMap(({ layerFolder }) => layerFolder ?? []);
    const byName = new Map(containers.map((container) => [container.name, container]));
    const reports: ContainerReport[] = [];
    for (const report of pod.containers) {
      const { layerFolder, logFolder } = byName.get(report.name) ?? {};
      reports.push({
        ...report,
        ...(layerFolder && { layer: await this.#filesIn([layerFolder]) }),
        ...(logFolder && { logs: await this.#filesIn([logFolder]) }),
      });
    }
    return { ...pod, containers: reports, files: await this.#filesIn([folder, ...layers]) };
  }

  async #filesIn(folders: readonly string[]): Promise<NonNullable<PodReport["files"]>> {
    const { clock, readings } = this.#options;
    const key = folders.join("\n");
    const known = this.#files.get(key);
    if (known?.used && clock.elapsed() - known.elapsedMs < FILES_MS) return known.used;
    const used = await readings.files(folders);
    this.#files.set(key, { used, elapsedMs: clock.elapsed() });
    return used;
  }
}

/** A container that has started after the last sample had used nothing when it did. */
function bornMark(sinceMs: number | undefined, lastMs = Infinity): Mark | undefined {
  return sinceMs !== undefined && sinceMs >= lastMs
    ? { totalNanos: 0, elapsedMs: sinceMs }
    : undefined;
}

/** Pure. A counter that went back has begun anew: its window, too. */
function rateOf(from: Mark | undefined, to: Mark): CpuUsage {
  const { totalNanos } = to;
  if (from === undefined || totalNanos < from.totalNanos) return { totalNanos };
  const windowMs = Math.round(to.elapsedMs - from.elapsedMs);
  if (windowMs < WINDOW_MS_MIN) return { totalNanos };
  const perSecond = Math.round((totalNanos - from.totalNanos) / windowMs * 1_000);
  return { totalNanos, rate: { perSecond, windowMs } };
}
