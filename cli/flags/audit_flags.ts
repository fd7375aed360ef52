import { type Command, InvalidArgumentError } from "commander";

/** Adds the flags of the audit log: those of kube-apiserver. */
export function withAuditFlags(command: Command): Command {
  return command
    .option("--audit-policy-file <path>", "which requests are recorded: an audit.k8s.io/v1 Policy")
    .option("--audit-log-path <path>", "where they are recorded; - is standard output")
    .option(
      "--audit-log-maxage <days>",
      "how long old files of it are kept (for ever)",
      wholeNumber,
    )
    .option("--audit-log-maxbackup <count>", "how many old files of it are kept (all)", wholeNumber)
    .option("--audit-log-maxsize <MiB>", "size at which a new file begins (100)", wholeNumber);
}

/** `0`, `30`. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}
