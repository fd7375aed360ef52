import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { bracketed, dialErrorText, portOf } from "./dialing.ts";
import {
  deadlineOf,
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
  const signal = deadlineOf(limits);
  const port = portOf(action.port, target);
  const hostname = action.host || target.podIP;
  try {
    const connection = await Deno.connect({ hostname, port, signal });
    connection.close();
    return { result: "success", output: "" };
  } catch (error) {
    const url = new URL(`http://${bracketed(hostname)}:${port}`);
    return { result: "failure", output: dialErrorText(error as Error, url, signal, "i/o timeout") };
  }
}
