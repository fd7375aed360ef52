import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { ContainerState } from "../runtimes/container_runtime.ts";
import type { NodeContext } from "./node_context.ts";
import type { PodRecord } from "./pod_record.ts";
import { runsOf } from "./runs/container_runs.ts";

/** Notes what a container that has ended wrote last, for its status; what earlier runs wrote is forgotten. */
export async function readTerminationMessage(
  record: PodRecord,
  { id, name, restartCount, exitCode }: ContainerState,
  { files, runtime }: Pick<NodeContext, "files" | "runtime">,
): Promise<void> {
  const spec = record.pod && containerNamed(record.pod.spec, name);
  if (spec === undefined) return;
  const source = { podUid: record.uid, container: name, restartCount };
  const written = await files.message(source);
  const fromLog = written === "" && exitCode !== 0 &&
    spec.terminationMessagePolicy === "FallbackToLogsOnError";
  const message = fromLog ? await files.logEnd(source, runtime.logFormat) : written;
  if (message === "") return;
  const kept = runsOf(record.observed, name).slice(0, 2).map((run) => run.id);
  const old = Object.entries(record.memoryOf(name)?.messages ?? {})
    .filter(([id]) => kept.includes(id));
  record.remember(name, { messages: { ...Object.fromEntries(old), [id]: message } });
}
