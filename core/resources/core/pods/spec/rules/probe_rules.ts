import { type Cause, forbidden, invalid, missing } from "../../../../../schema/causes.ts";
import {
  nonNegativeCauses,
  portCauses,
  portNumberCauses,
} from "../../../../../schema/value_rules.ts";
import type { Container } from "../containers.ts";
import type { LifecycleHandler, Probe } from "../probes.ts";

/** The rules for the probes and hooks of a container, in the words of k8s.io/kubernetes/pkg/apis/core/validation. */
export function probeCauses(container: Container, field: string, graceSeconds: number): Cause[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  const causes: Cause[] = [];
  if (lifecycle?.postStart) {
    causes.push(
      ...handlerCauses(lifecycle.postStart, `${field}.lifecycle.postStart`, graceSeconds),
    );
  }
  if (lifecycle?.preStop) {
    causes.push(...handlerCauses(lifecycle.preStop, `${field}.lifecycle.preStop`, graceSeconds));
  }
  if (livenessProbe) causes.push(...onceGoodCauses(livenessProbe, `${field}.livenessProbe`));
  if (readinessProbe) causes.push(...readinessCauses(readinessProbe, `${field}.readinessProbe`));
  if (startupProbe) causes.push(...onceGoodCauses(startupProbe, `${field}.startupProbe`));
  return causes;
}

/** A probe that ends a container cannot ask for several good answers. */
function onceGoodCauses(probe: Probe, field: string): Cause[] {
  const causes = oneProbeCauses(probe, field);
  if (probe.successThreshold !== 1) {
    causes.push(invalid(`${field}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  return causes;
}

function readinessCauses(probe: Probe, field: string): Cause[] {
  const causes = oneProbeCauses(probe, field);
  const { terminationGracePeriodSeconds: seconds } = probe;
  if (seconds !== undefined) {
    const at = `${field}.terminationGracePeriodSeconds`;
    causes.push(invalid(at, seconds, "must not be set for readinessProbes"));
  }
  return causes;
}

const numbers = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const;

function oneProbeCauses(probe: Probe, field: string): Cause[] {
  const causes = handlerCauses(probe, field, 0);
  for (const name of numbers) causes.push(...nonNegativeCauses(`${field}.${name}`, probe[name]));
  const { terminationGracePeriodSeconds: seconds } = probe;
  if (seconds !== undefined && seconds <= 0) {
    const at = `${field}.terminationGracePeriodSeconds`;
    causes.push(invalid(at, seconds, "must be greater than 0"));
  }
  return causes;
}

type Handler = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc"> & LifecycleHandler;
const handlers = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

function handlerCauses(handler: Handler, field: string, graceSeconds: number): Cause[] {
  const [first, ...others] = handlers.filter((name) => handler[name]);
  if (!first) return [missing(field, "must specify a handler type")];
  return [
    ...contentCauses(handler, first, `${field}.${first}`, graceSeconds),
    ...others.map((name) =>
      forbidden(`${field}.${name}`, "may not specify more than 1 handler type")
    ),
  ];
}

function contentCauses(
  { exec, httpGet, tcpSocket, grpc, sleep }: Handler,
  which: typeof handlers[number],
  field: string,
  graceSeconds: number,
): Cause[] {
  switch (which) {
    case "exec":
      return exec?.command?.length ? [] : [missing(`${field}.command`)];
    case "httpGet":
      return portCauses(`${field}.port`, httpGet!.port);
    case "tcpSocket":
      return portCauses(`${field}.port`, tcpSocket!.port);
    case "grpc":
      return portNumberCauses(`${field}.port`, grpc!.port);
    case "sleep": {
      const { seconds } = sleep!;
      if (seconds >= 0 && seconds <= graceSeconds) return [];
      const rule =
        `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
      return [invalid(field, seconds, rule)];
    }
  }
}
