import { ownField } from "../../core/lib/own_field.ts";
import { CommandError } from "../../server/command_error.ts";

export type SubjectKind = "rollout" | "experiment" | "analysisrun";

/** An object that a command is about. */
export interface Subject<K extends SubjectKind = SubjectKind> {
  kind: K;
  name: string;
}

/** Deployments that are rolled out step by step have a rollout of their name. */
const KIND_OF_WORD: Readonly<Record<string, SubjectKind>> = {
  rollout: "rollout",
  rollouts: "rollout",
  ro: "rollout",
  "rollout.argoproj.io": "rollout",
  "rollouts.argoproj.io": "rollout",
  deployment: "rollout",
  deployments: "rollout",
  deploy: "rollout",
  "deployment.apps": "rollout",
  experiment: "experiment",
  experiments: "experiment",
  exp: "experiment",
  "experiment.argoproj.io": "experiment",
  analysisrun: "analysisrun",
  analysisruns: "analysisrun",
  ar: "analysisrun",
  "analysisrun.argoproj.io": "analysisrun",
};

/**
 * What the words of a command name: `web`, `ro/web`, `experiment/check`, or `experiment check`, as Argo Rollouts' plugin
 * has it. `kinds`: which are possible; the first is meant where none is named.
 */
export function subjectsOf<K extends SubjectKind>(
  words: readonly string[],
  kinds: readonly [K, ...K[]],
): Subject<K>[] {
  const [first, ...rest] = words;
  const named = rest.length > 0 && !rest.some((word) => word.includes("/"))
    ? ownField(KIND_OF_WORD, first!)
    : undefined;
  if (named !== undefined) return rest.map((name) => ({ kind: oneOf(named, kinds, first!), name }));
  return words.map((word) => subjectOf(word, kinds));
}

function subjectOf<K extends SubjectKind>(word: string, kinds: readonly [K, ...K[]]): Subject<K> {
  const [prefix, name, ...more] = word.split("/");
  if (name === undefined) return { kind: kinds[0], name: word };
  if (name === "" || more.length > 0) {
    throw new CommandError(`Cannot read "${word}": it must be NAME or KIND/NAME`);
  }
  return { kind: oneOf(ownField(KIND_OF_WORD, prefix!), kinds, prefix!), name };
}

function oneOf<K extends SubjectKind>(
  kind: SubjectKind | undefined,
  kinds: readonly K[],
  word: string,
): K {
  const found = kinds.find((one) => one === kind);
  if (found !== undefined) return found;
  throw new CommandError(`"${word}" is not possible here: it must be one of ${kinds.join(", ")}`);
}
