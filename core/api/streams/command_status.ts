/** How a command ended, as the error channel says it: a `Status` without its kind, as Go writes it there. */
export interface CommandStatus {
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: "NonZeroExitCode" | "InternalError";
  details?: { causes: readonly { reason?: "ExitCode"; message: string }[] };
  code?: number;
}

export const SUCCESS: CommandStatus = { metadata: {}, status: "Success" };

/** In the words of kube-apiserver: `pkg/util/proxy/streamtranslator.go`. */
export function exitStatus(exitCode: number): CommandStatus {
  if (exitCode === 0) return SUCCESS;
  return {
    metadata: {},
    status: "Failure",
    message:
      `command terminated with non-zero exit code: command terminated with exit code ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

export function internalError(why: string): CommandStatus {
  return {
    metadata: {},
    status: "Failure",
    message: `Internal error occurred: ${why}`,
    reason: "InternalError",
    details: { causes: [{ message: why }] },
    code: 500,
  };
}
