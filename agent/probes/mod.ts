import { execProbe } from "./exec_probe.ts";
import { grpcProbe } from "./grpc_probe.ts";
import { httpProbe } from "./http_probe.ts";
import type { ProbeType } from "./probe_type.ts";
import { tcpProbe } from "./tcp_probe.ts";

/** Every type of probe. A new one is one file and one line here. */
export const PROBE_TYPES: readonly ProbeType[] = [execProbe, httpProbe, tcpProbe, grpcProbe];
