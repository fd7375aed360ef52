import type { Clock } from "../../lib/clock.ts";
import { isJsonObject } from "../../lib/json/json_value.ts";
import type { Log } from "../../lib/log.ts";
import type { Random } from "../../lib/random.ts";
import { runAtOnce } from "../../lib/steps.ts";
import { objectFromYaml } from "../../manifest/manifest.ts";
import { Audit } from "./audit.ts";
import { AuditWriter, startWriterThread } from "./audit_writer.ts";
import type { Policy } from "./policy.ts";
import { readPolicy } from "./policy_file.ts";
import { type RotationLimits, STANDARD_OUTPUT } from "./rotating_file.ts";

/** Why there can be no audit log: the user can fix it. */
export class AuditError extends Error {}

interface AuditFiles {
  policyFile: string;
  /** `-`: standard output. */
  path: string;
  limits: RotationLimits;
}

/** Reads the policy and starts the thread that writes. Throws {@linkcode AuditError} with everything that is wrong. */
export async function openAudit(
  { policyFile, path, limits }: AuditFiles,
  { clock, random, log }: { clock: Clock; random: Random; log: Log },
): Promise<{ audit: Audit; stop(): Promise<void> }> {
  const policy = await loadPolicy(policyFile, log);
  if (path !== STANDARD_OUTPUT) await makeWritable(path);
  const sink = new AuditWriter(startWriterThread(path, limits), log);
  return {
    audit: new Audit({ policy, sink, clock, random }),
    stop: () => sink.stop(clock),
  };
}

async function loadPolicy(file: string, log: Log): Promise<Policy> {
  const { policy, causes, unknown } = readPolicy(await readObject(file));
  if (causes.length > 0) {
    throw new AuditError(`The audit policy "${file}" is invalid: ${causes.join("; ")}`);
  }
  if (unknown.length > 0) log.warn("The audit policy has unknown fields", { file, unknown });
  return policy;
}

async function readObject(file: string): Promise<Record<string, unknown>> {
  try {
    const value = runAtOnce(objectFromYaml(await Deno.readFile(file)));
    return isJsonObject(value) ? value : {};
  } catch (error) {
    throw new AuditError(`Cannot read the audit policy "${file}": ${(error as Error).message}`);
  }
}

async function makeWritable(path: string): Promise<void> {
  try {
    (await Deno.open(path, { append: true, create: true, mode: 0o600 })).close();
  } catch (error) {
    throw new AuditError(`Cannot write the audit log "${path}": ${(error as Error).message}`);
  }
}
