import { INSTANCE_LABEL } from "../../core/resources/argoproj/rollout_keys.ts";
import { CommandError } from "../../server/command_error.ts";
import { type ManifestFile, readManifestFiles } from "../manifests/manifest_files.ts";
import {
  ANALYSIS_RUNS,
  ANALYSIS_TEMPLATES,
  type Cluster,
  CLUSTER_ANALYSIS_TEMPLATES,
  EXPERIMENTS,
  type Place,
  ROLLOUTS,
} from "./cluster/cluster.ts";
import type { AnalysisArgument, AnalysisTemplate, AnyObject } from "./cluster/objects.ts";

const GROUP = "argoproj.io";

const PLACES: Readonly<Record<string, Place>> = {
  Rollout: ROLLOUTS,
  Experiment: EXPERIMENTS,
  AnalysisTemplate: ANALYSIS_TEMPLATES,
  ClusterAnalysisTemplate: CLUSTER_ANALYSIS_TEMPLATES,
  AnalysisRun: ANALYSIS_RUNS,
};

/** Creates the objects in files. Resolves with what was created: `rollout.argoproj.io/web`. */
export async function createFromFiles(
  cluster: Cluster,
  paths: readonly string[],
): Promise<{ kind: string; name: string; shown: string }[]> {
  const drafts = (await Promise.all((await readManifestFiles(paths)).map(objectsIn))).flat();
  const created = [];
  for (const draft of drafts) {
    const { apiVersion = "", kind = "" } = draft;
    const place = apiVersion.startsWith(`${GROUP}/`) ? PLACES[kind] : undefined;
    if (place === undefined) {
      throw new CommandError(`creates of ${apiVersion.split("/")[0]}/${kind} unsupported`);
    }
    const { metadata: { name } } = await cluster.create<AnyObject>(place, draft);
    created.push({ kind, name, shown: `${kind.toLowerCase()}.${GROUP}/${name}` });
  }
  return created;
}

async function objectsIn({ name, text }: ManifestFile): Promise<AnyObject[]> {
  const { parseManifests } = await import("../../core/manifest/manifest.ts");
  try {
    const manifests = parseManifests(new TextEncoder().encode(text));
    return manifests.map(({ value }) => value as unknown as AnyObject); // the server checks them
  } catch (error) {
    throw new CommandError(`Cannot read "${name}": ${(error as Error).message}`);
  }
}

export interface RunOptions {
  /** Name of a template in the cluster. */
  from?: string;
  /** A file that has one. */
  fromFile?: string;
  /** A ClusterAnalysisTemplate is meant. */
  global: boolean;
  /** `name=value`. */
  arguments: readonly string[];
  name?: string;
  generateName?: string;
  instanceId?: string;
}

/** Creates an analysis run from a template. Resolves with the run's name. */
export async function createAnalysisRun(cluster: Cluster, options: RunOptions): Promise<string> {
  const template = await templateOf(cluster, options);
  const draft = analysisRunOf(template, options, cluster.namespace);
  const { metadata: { name } } = await cluster.create<AnyObject>(ANALYSIS_RUNS, draft);
  return name;
}

async function templateOf(
  cluster: Cluster,
  { from, fromFile, global }: RunOptions,
): Promise<AnalysisTemplate> {
  if ((from === undefined) === (fromFile === undefined)) {
    throw new CommandError("one of --from or --from-file must be specified");
  }
  if (from !== undefined) {
    return await cluster.get(global ? CLUSTER_ANALYSIS_TEMPLATES : ANALYSIS_TEMPLATES, from);
  }
  const [template] = (await Promise.all((await readManifestFiles([fromFile!])).map(objectsIn)))
    .flat();
  if (template === undefined) throw new CommandError(`There is no template in "${fromFile}"`);
  return template;
}

export function analysisRunOf(
  template: AnalysisTemplate,
  options: Pick<RunOptions, "name" | "generateName" | "instanceId" | "arguments">,
  namespace: string,
): object {
  const { name, generateName = `${template.metadata?.name ?? ""}-`, instanceId } = options;
  if (name === undefined && generateName === "-") throw new CommandError("name is invalid");
  const labels = {
    ...template.metadata?.labels,
    ...(instanceId !== undefined && { [INSTANCE_LABEL]: instanceId }),
  };
  const args = mergedArguments(template.spec?.args, options.arguments.map(argumentOf));
  return {
    apiVersion: `${GROUP}/v1alpha1`,
    kind: "AnalysisRun",
    metadata: { ...(name === undefined ? { generateName } : { name }), namespace, labels },
    spec: { ...template.spec, ...(args.length > 0 && { args }) },
  };
}

function argumentOf(text: string): AnalysisArgument {
  const end = text.indexOf("=");
  if (end < 0) throw new CommandError("arguments must be in the form NAME=VALUE");
  return { name: text.slice(0, end), value: text.slice(end + 1) };
}

/** A template without arguments takes all that are given; one with arguments only its own, which all need a value. */
function mergedArguments(
  own: readonly AnalysisArgument[] | undefined,
  given: readonly AnalysisArgument[],
): readonly AnalysisArgument[] {
  if (own === undefined) return given;
  const merged = own.map((argument) => ({
    ...argument,
    ...given.findLast(({ name }) => name === argument.name),
  }));
  const missing = merged.find(({ value, valueFrom }) => value === undefined && !valueFrom);
  if (missing) throw new CommandError(`args.${missing.name} was not resolved`);
  return merged;
}
