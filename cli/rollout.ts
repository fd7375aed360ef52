import { type Command, Option } from "commander";
import { durationOf, secondsOf } from "./flags/amounts.ts";
import { CommandError } from "../server/command_error.ts";
import type { Terminal } from "../server/terminal.ts";
import type { Cluster } from "./rollout/cluster/cluster.ts";
import {
  mayColour,
  onlyOne,
  outputOption,
  place,
  type PlaceFlags,
  revisionOf,
  withCluster,
  yesOf,
} from "./rollout/flags.ts";
import type { Promotion } from "./rollout/promotion.ts";
import { type Subject, type SubjectKind, subjectsOf } from "./rollout/subjects.ts";

/** What Argo Rollouts' plugin of kubectl does, by the same requests: on Coracle, and on any cluster that has Argo Rollouts. */
export function rolloutCommand(program: Command, terminal: Terminal): void {
  const rollout = program.command("rollout")
    .description("look at canaries and blue-green deployments, and decide how they go on");
  addList(rollout, terminal);
  addGet(rollout, terminal);
  addStatus(rollout, terminal);
  addPromotion(rollout, terminal);
  for (const decision of DECISIONS) addDecision(rollout, terminal, decision);
  addRestart(rollout, terminal);
  addUndo(rollout, terminal);
  addSetImage(rollout, terminal);
  addCreation(rollout, terminal);
  rollout.command("lint")
    .description("say what is wrong with rollouts in files; no server is asked")
    .requiredOption("-f, --filename <file...>", 'files, folders, or "-" for standard input')
    .action(async ({ filename }: { filename: string[] }) => {
      const { lint } = await import("./rollout/lint.ts");
      await lint(filename, terminal);
    });
}

function addList(rollout: Command, terminal: Terminal): void {
  place(rollout.command("list [kind]"))
    .description("list rollouts, or experiments")
    .option("-A, --all-namespaces", "of all namespaces", false)
    .option("--name <name>", "only the one of this name")
    .option("-w, --watch", "and print each that changes", false)
    .option("--timestamps", "say when", false)
    .addOption(outputOption())
    .action(async (word: string | undefined, flags: PlaceFlags & ListFlags) => {
      const { list } = await import("./rollout/list.ts");
      const { kind } = onlyOne(subjectsOf([`${word ?? "ro"}/*`], ["rollout", "experiment"]));
      await withCluster(
        flags,
        terminal,
        (cluster) => list(cluster, { ...flags, kind: `${kind}s` }, terminal),
      );
    });
}

function addGet(rollout: Command, terminal: Terminal): void {
  place(rollout.command("get <name...>"))
    .description("show a rollout, or KIND/NAME of an experiment, and all that belongs to it")
    .option("-w, --watch", "follow it until interrupted", false)
    .addOption(new Option("--timeout-seconds <seconds>", "end the watch").argParser(secondsOf))
    .option("--no-color", "without colours")
    .addOption(outputOption())
    .action(async (words: string[], flags: PlaceFlags & GetFlags) => {
      const { getRollout } = await import("./rollout/get.ts");
      const subject = onlyOne(subjectsOf(words, ["rollout", "experiment"]));
      const { timeoutSeconds, color, ...shown } = flags;
      await withCluster(flags, terminal, (cluster) =>
        getRollout(cluster, {
          ...shown,
          ...subject,
          colours: color && mayColour(terminal),
          ...(timeoutSeconds !== undefined && { timeoutMs: timeoutSeconds * 1_000 }),
        }, terminal));
    });
}

function addStatus(rollout: Command, terminal: Terminal): void {
  place(rollout.command("status <name...>"))
    .description("say how a rollout stands until it is healthy (exit code 0) or degraded (1)")
    .addOption(new Option("-w, --watch [yes]", "until it is done").default(true).argParser(yesOf))
    .addOption(
      new Option("-t, --timeout <time>", "at most so long, such as 60s").argParser(durationOf),
    )
    .action(async (words: string[], flags: PlaceFlags & { watch: boolean; timeout?: number }) => {
      const { showStatus } = await import("./rollout/status.ts");
      const { name } = onlyOne(subjectsOf(words, ["rollout"]));
      const { watch, timeout } = flags;
      const timed = timeout ? { timeoutMs: timeout } : {};
      await withCluster(
        flags,
        terminal,
        (cluster) => showStatus(cluster, { name, watch, ...timed }, terminal),
      );
    });
}

interface ListFlags {
  allNamespaces: boolean;
  name?: string;
  watch: boolean;
  timestamps: boolean;
  output?: "json";
}

interface GetFlags {
  watch: boolean;
  timeoutSeconds?: number;
  color: boolean;
  output?: "json";
}

function addPromotion(rollout: Command, terminal: Terminal): void {
  place(rollout.command("promote <name...>"))
    .description("let a paused rollout go on, or skip the step that it is in")
    .option("--full", "without any further step, pause or analysis", false)
    .addOption(new Option("-c, --skip-current-step").hideHelp())
    .addOption(new Option("-a, --skip-all-steps").hideHelp())
    .action(async (words: string[], flags: PlaceFlags & PromoteFlags) => {
      const { promote } = await import("./rollout/promotion.ts");
      const { name } = onlyOne(subjectsOf(words, ["rollout"]));
      const promotion = promotionOf(flags);
      await withCluster(flags, terminal, (cluster) => promote(cluster, name, promotion));
      terminal.out(`rollout '${name}' ${flags.full ? "fully promoted" : "promoted"}\n`);
    });
}

interface PromoteFlags {
  full: boolean;
  skipCurrentStep?: true;
  skipAllSteps?: true;
}

function promotionOf({ full, skipCurrentStep, skipAllSteps }: PromoteFlags): Promotion {
  if (skipCurrentStep && skipAllSteps) {
    throw new CommandError(
      "Cannot use skip-current-step and skip-all-steps flags at the same time",
    );
  }
  if (skipCurrentStep) return "skip-current-step";
  if (skipAllSteps) return "skip-all-steps";
  return full ? "full" : "next";
}

/** A command that does one thing to each of the objects named. */
interface Decision {
  name: string;
  description: string;
  /** What it can be about; the first where the kind is not named. */
  kinds: readonly [SubjectKind, ...SubjectKind[]];
  done: string;
  act(changes: Changes, cluster: Cluster, subject: Subject): Promise<void>;
}

type Changes = typeof import("./rollout/changes.ts");

const DECISIONS: readonly Decision[] = [
  {
    name: "abort",
    description: "stop an update: the stable version serves again",
    kinds: ["rollout"],
    done: "aborted",
    act: ({ abort }, cluster, { name }) => abort(cluster, name),
  },
  {
    name: "retry",
    description: "begin an aborted rollout, or experiment/NAME that failed, anew",
    kinds: ["rollout", "experiment"],
    done: "retried",
    act: ({ retryExperiment, retryRollout }, cluster, { kind, name }) =>
      kind === "experiment" ? retryExperiment(cluster, name) : retryRollout(cluster, name),
  },
  {
    name: "pause",
    description: "hold a rollout where it is",
    kinds: ["rollout"],
    done: "paused",
    act: ({ pause }, cluster, { name }) => pause(cluster, name),
  },
  {
    name: "resume",
    description: "let a rollout go on that was held by pause",
    kinds: ["rollout"],
    done: "resumed",
    act: ({ resume }, cluster, { name }) => resume(cluster, name),
  },
  {
    name: "terminate",
    description: "end an analysis run, or experiment/NAME, before its time",
    kinds: ["analysisrun", "experiment"],
    done: "terminated",
    act: ({ terminate }, cluster, subject) => terminate(cluster, subject),
  },
];

const SHOWN_KIND = { rollout: "rollout", experiment: "experiment", analysisrun: "analysisRun" };

function addDecision(
  rollout: Command,
  terminal: Terminal,
  { name: command, description, kinds, done, act }: Decision,
): void {
  place(rollout.command(`${command} <name...>`))
    .description(description)
    .action(async (words: string[], flags: PlaceFlags) => {
      const changes = await import("./rollout/changes.ts");
      const subjects = subjectsOf(words, kinds);
      await withCluster(flags, terminal, async (cluster) => {
        for (const subject of subjects) {
          await act(changes, cluster, subject);
          terminal.out(`${SHOWN_KIND[subject.kind]} '${subject.name}' ${done}\n`);
        }
      });
    });
}

function addRestart(rollout: Command, terminal: Terminal): void {
  place(rollout.command("restart <name...>"))
    .description("replace the pods of a rollout")
    .option("-i, --in <time>", "not yet, but in 30s, 5m or 1h")
    .action(async (words: string[], flags: PlaceFlags & { in?: string }) => {
      const { restart } = await import("./rollout/changes.ts");
      const { name } = onlyOne(subjectsOf(words, ["rollout"]));
      await withCluster(flags, terminal, (cluster) => restart(cluster, name, flags.in));
      terminal.out(`rollout '${name}' restarts in ${flags.in ?? "0s"}\n`);
    });
}

function addUndo(rollout: Command, terminal: Terminal): void {
  place(rollout.command("undo <name...>"))
    .description("go back to an earlier revision")
    .addOption(
      new Option("--to-revision <number>", "which (the one before)").argParser(revisionOf)
        .default(0, "0"),
    )
    .action(async (words: string[], flags: PlaceFlags & { toRevision: number }) => {
      const { undo } = await import("./rollout/undo.ts");
      const { name } = onlyOne(subjectsOf(words, ["rollout"]));
      await withCluster(flags, terminal, async (cluster) => {
        terminal.out(`${await undo(cluster, name, flags.toRevision)}\n`);
      });
    });
}

function addSetImage(rollout: Command, terminal: Terminal): void {
  place(rollout.command("set-image <name> <container=image>"))
    .description("roll out another image; *=IMAGE: of all containers")
    .action(async (word: string, text: string, flags: PlaceFlags) => {
      const { imageChangeOf, setImage } = await import("./rollout/set_image.ts");
      const { name } = onlyOne(subjectsOf([word], ["rollout"]));
      const change = imageChangeOf(text);
      await withCluster(flags, terminal, async (cluster) => {
        terminal.out(`${await setImage(cluster, name, change)} image updated\n`);
      });
    });
}

function addCreation(rollout: Command, terminal: Terminal): void {
  const create = place(rollout.command("create"))
    .description("create what is in files, or an analysis run from a template")
    .option("-f, --filename <file...>", "files of rollouts, experiments, templates or runs")
    .option("-w, --watch", "follow the rollout or experiment that is created", false)
    .action(
      async (flags: PlaceFlags & { filename?: string[]; watch: boolean }, command: Command) => {
        if (!flags.filename) return command.help({ error: true });
        await withCluster(
          flags,
          terminal,
          (cluster) => createAll(cluster, flags.filename!, flags.watch, terminal),
        );
      },
    );
  addRunCreation(create, terminal);
}

function addRunCreation(create: Command, terminal: Terminal): void {
  create.command("analysisrun")
    .alias("ar")
    .description("create an analysis run from a template")
    .option("--from <template>", "a template in the cluster")
    .option("--from-file <file>", "a template in a file")
    .option("--global", "it is a ClusterAnalysisTemplate", false)
    .addOption(
      new Option("-a, --argument <name=value>", "an argument; once for each")
        .argParser((text, all: string[] = []) => [...all, text]).default([], "none"),
    )
    .option("--name <name>", "name of the run")
    .option("--generate-name <prefix>", "what its name begins with (the template's name)")
    .option("--instance-id <id>", "which controller of Argo Rollouts it is for")
    .action(async (_own: unknown, command: Command) => {
      const flags: PlaceFlags & RunFlags = command.optsWithGlobals(); // where to look is an option of its parent
      const { createAnalysisRun } = await import("./rollout/creation.ts");
      await withCluster(flags, terminal, async (cluster) => {
        const name = await createAnalysisRun(cluster, { ...flags, arguments: flags.argument });
        terminal.out(`analysisrun.argoproj.io/${name} created\n`);
      });
    });
}

async function createAll(
  cluster: Cluster,
  files: readonly string[],
  watch: boolean,
  terminal: Terminal,
): Promise<void> {
  const { createFromFiles } = await import("./rollout/creation.ts");
  const created = await createFromFiles(cluster, files);
  for (const { shown } of created) terminal.out(`${shown} created\n`);
  if (!watch) return;
  const { getRollout } = await import("./rollout/get.ts");
  const { kind, name } = onlyOne(created);
  const subject = onlyOne(subjectsOf([`${kind.toLowerCase()}/${name}`], ["rollout", "experiment"]));
  await getRollout(cluster, { ...subject, watch, colours: mayColour(terminal) }, terminal);
}

interface RunFlags {
  from?: string;
  fromFile?: string;
  global: boolean;
  argument: string[];
  name?: string;
  generateName?: string;
  instanceId?: string;
}
