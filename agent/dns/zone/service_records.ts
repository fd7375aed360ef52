import { TYPE } from "../messages/codes.ts";
import { nameBytes } from "../messages/names.ts";
import { addressData, addressLabel, reverseName } from "./addresses.ts";
import type { NamedPort, ServiceNames } from "./service_names.ts";

/** A record of the zone. */
export interface ZoneRecord {
  /** In small letters, without a final dot. */
  readonly name: string;
  readonly type: number;
  readonly data: Uint8Array;
  /** The name in the data of CNAME and SRV. */
  readonly target?: string;
}

/** Weights of the records of one SRV name add up to about this, as CoreDNS has it. */
const SRV_WEIGHTS = 100;

/** All records of a Service in the zone `domain`, each once (Kubernetes' DNS specification 1.1.0). Pure. */
export function recordsOf(service: ServiceNames, domain: string): ZoneRecord[] {
  const { namespace, name, externalName, clusterIPs } = service;
  const own = `${name}.${namespace}.svc.${domain}`.toLowerCase();
  if (externalName !== undefined) {
    const target = externalName.replace(/\.$/, "").toLowerCase();
    const data = nameBytes(target);
    return data ? [{ name: own, type: TYPE.CNAME, data, target }] : [];
  }
  const records = clusterIPs.length > 0
    ? [
      ...clusterIPs.flatMap((ip) => [...addressRecords(own, ip), ...pointerRecords(ip, own)]),
      ...service.ports.flatMap((port) => serverRecords(own, port, [own])),
    ]
    : headlessRecords(service, own);
  return withoutRepeats(records);
}

function headlessRecords({ endpoints }: ServiceNames, own: string): ZoneRecord[] {
  const targets = new Map<string, { port: NamedPort; hosts: Set<string> }>();
  const records = endpoints.flatMap(({ ip, hostname, ports }) => {
    const host = `${hostname ?? addressLabel(ip)}.${own}`.toLowerCase();
    for (const port of ports) {
      const key = `${port.name} ${port.protocol} ${port.port}`;
      const known = targets.get(key) ?? { port, hosts: new Set() };
      targets.set(key, known);
      known.hosts.add(host);
    }
    return [
      ...addressRecords(own, ip),
      ...addressRecords(host, ip),
      ...(hostname ? pointerRecords(ip, host) : []),
    ];
  });
  const servers = [...targets.values()].flatMap(({ port, hosts }) =>
    serverRecords(own, port, [...hosts])
  );
  return [...records, ...servers];
}

function addressRecords(name: string, ip: string): ZoneRecord[] {
  const address = addressData(ip);
  return address ? [{ name, ...address }] : [];
}

function pointerRecords(ip: string, target: string): ZoneRecord[] {
  const name = reverseName(ip), data = nameBytes(target);
  return name && data ? [{ name, type: TYPE.PTR, data }] : [];
}

/** RFC 2782: priority, weight, port, target. */
function serverRecords(
  own: string,
  { name, protocol, port }: NamedPort,
  targets: readonly string[],
): ZoneRecord[] {
  const weight = Math.max(1, Math.floor(SRV_WEIGHTS / targets.length));
  return targets.flatMap((target) => {
    const bytes = nameBytes(target);
    if (bytes === undefined) return [];
    const data = new Uint8Array(6 + bytes.length);
    const view = new DataView(data.buffer);
    view.setUint16(2, weight);
    view.setUint16(4, port);
    data.set(bytes, 6);
    return [{ name: `_${name}._${protocol}.${own}`.toLowerCase(), type: TYPE.SRV, data, target }];
  });
}

function withoutRepeats(records: readonly ZoneRecord[]): ZoneRecord[] {
  return [...new Map(records.map((record) => [keyOf(record), record])).values()];
}

/** Equal exactly for equal records. */
export function keyOf({ name, type, data }: ZoneRecord): string {
  return `${name} ${type} ${data.toHex()}`;
}
