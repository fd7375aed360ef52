import { covers } from "../../core/traffic/hostnames.ts";
import type { ServedCertificate } from "../../core/traffic/certificates.ts";
import type { ListenerHost } from "../table/route_table.ts";

/** The certificate that a client is shown: of the most specific host that has its name, the first that is for the name. */
export function certificateFor(
  serverName: string,
  hosts: readonly ListenerHost[],
): ServedCertificate | undefined {
  const { certificates = [] } = hosts.find(({ hostname }) => covers(hostname, serverName)) ?? {};
  return certificates.find(({ names }) => names.some((name) => isFor(name, serverName))) ??
    certificates[0];
}

/** A star stands for one label. RFC 9525, section 6.3. */
function isFor(name: string, serverName: string): boolean {
  if (!name.startsWith("*.")) return name === serverName;
  const dot = serverName.indexOf(".");
  return dot > 0 && serverName.slice(dot) === name.slice(1);
}
