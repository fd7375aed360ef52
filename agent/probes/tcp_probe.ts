import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { connected } from "./connection.ts";
import { bracketed, dialErrorText, portOf } from "./dialing.ts";
import {
  connectionLimitsOf,
  type ProbeLimits,
  type ProbeOutcome,
  type ProbeTarget,
  type ProbeType,
} from "./probe_type.ts";

type TcpSocket = NonNullable<Probe["tcpSocket"]>;

/** Opens a connection: the container is well when that is possible. */
export const tcpProbe: ProbeType<TcpSocket> = {
  field: "tcpSocket",
  earlyRepeatMs: 20,
  ask: askByTcp,
};

async function askByTcp(
  action: TcpSocket,
  target: ProbeTarget,
  limits: ProbeLimits,
): Promise<ProbeOutcome> {
  const port = portOf(action.port, target);
  const hostname = action.host || target.podIP;
  try {
    await connected({ hostname, port }, connectionLimitsOf(limits, target)(), async () => {});
    return { result: "success", output: "" };
  } catch (error) {
    const url = new URL(`http://${bracketed(hostname)}:${port}`);
    return { result: "failure", output: dialErrorText(error as Error, url, "i/o timeout") };
  }
}
