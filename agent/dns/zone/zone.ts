import { isInRange, parseIpv4, parseIpv4Range } from "../../../core/lib/addresses/ipv4.ts";
import { TYPE } from "../messages/codes.ts";
import { isBelow, nameBytes, parentOf } from "../messages/names.ts";
import { addressData, addressInReverse, addressOfLabel } from "./addresses.ts";
import type { ServiceNames } from "./service_names.ts";
import { recordsOf, type ZoneRecord } from "./service_records.ts";

/** Seconds that clients may keep an answer, positive or negative: as CoreDNS' for Kubernetes. */
export const ZONE_TTL = 5;
/** Of the specification that the names follow. */
const VERSION = "1.1.0";
const SOA_TIMES = [7_200, 1_800, 86_400, ZONE_TTL] as const;

export interface ZoneOptions {
  /** E.g. `cluster.local`. */
  domain: string;
  /** Address of the name server itself. */
  address: string;
  /** Whose reverse names are answered here, known or not: the ranges of Services and of pods, IPv4. */
  ranges: readonly string[];
  /** Serial number of the zone. */
  serial: number;
}

/** A name that there is: its own records, and how many records are at it or below it. */
interface Node {
  readonly records: ZoneRecord[];
  uses: number;
}

/**
 * The names of the cluster, each with its records. A name that has none, but others below it, is there all the same: it is
 * answered by "no data", never by "no such name", on which resolvers give up.
 */
export class Zone {
  readonly domain: string;
  /** Of the authority section of negative answers. */
  readonly start: ZoneRecord;
  readonly #ranges;
  readonly #podFolder: string;
  readonly #nodes = new Map<string, Node>();
  readonly #services = new Map<string, readonly ZoneRecord[]>();
  readonly #namespaces = new Set<string>();

  constructor({ domain, address, ranges, serial }: ZoneOptions) {
    this.domain = domain;
    this.#podFolder = `.pod.${domain}`;
    this.#ranges = ranges.flatMap((range) => parseIpv4Range(range) ?? []);
    const server = `ns.dns.${domain}`;
    this.start = { name: domain, type: TYPE.SOA, data: startData(domain, server, serial) };
    const version = new TextEncoder().encode(VERSION);
    this.#addAll([
      this.start,
      { name: domain, type: TYPE.NS, data: nameBytes(server)!, target: server },
      { name: server, ...addressData(address)! },
      {
        name: `dns-version.${domain}`,
        type: TYPE.TXT,
        data: Uint8Array.of(version.length, ...version),
      },
    ]);
    for (const folder of ["svc", "pod"]) this.#use(`${folder}.${domain}`, 1);
  }

  /** Whether this zone alone says what there is of a name. */
  holds(name: string): boolean {
    return isBelow(name, this.domain) || this.#nodes.has(name) || this.#isOwnReverse(name);
  }

  /** The records of a name, of all types; empty: it is there and has none; `undefined`: there is no such name. */
  recordsAt(name: string): readonly ZoneRecord[] | undefined {
    return this.#nodes.get(name)?.records ?? this.#podRecords(name);
  }

  /** The SOA record of what is said not to be there: in reverse zones that of the zone around the name. */
  startFor(name: string): ZoneRecord {
    return isBelow(name, this.domain) ? this.start : { ...this.start, name: parentOf(name) };
  }

  /** Replaces what a Service is known by; `undefined`: it is gone. */
  setService(key: string, service: ServiceNames | undefined): void {
    for (const record of this.#services.get(key) ?? []) this.#remove(record);
    this.#services.delete(key);
    if (service === undefined) return;
    const records = recordsOf(service, this.domain);
    this.#services.set(key, records);
    this.#addAll(records);
  }

  setNamespace(name: string, isThere: boolean): void {
    if (this.#namespaces.has(name) === isThere) return;
    if (isThere) this.#namespaces.add(name);
    else this.#namespaces.delete(name);
    for (const folder of ["svc", "pod"]) {
      this.#use(`${name}.${folder}.${this.domain}`, isThere ? 1 : -1);
    }
  }

  #addAll(records: readonly ZoneRecord[]): void {
    for (const record of records) {
      this.#use(record.name, 1);
      this.#nodes.get(record.name)!.records.push(record);
    }
  }

  #remove(record: ZoneRecord): void {
    const { records } = this.#nodes.get(record.name)!;
    records.splice(records.indexOf(record), 1);
    this.#use(record.name, -1);
  }

  /** Counts the name and all that it lies in. Reverse names lie in nothing of ours. */
  #use(name: string, change: number): void {
    const isOwn = isBelow(name, this.domain);
    for (let at = name; at !== ""; at = at === this.domain || !isOwn ? "" : parentOf(at)) {
      const node = this.#nodes.get(at) ?? { records: [], uses: 0 };
      node.uses += change;
      if (node.uses > 0) this.#nodes.set(at, node);
      else this.#nodes.delete(at);
    }
  }

  #isOwnReverse(name: string): boolean {
    if (!name.endsWith(".in-addr.arpa")) return false;
    const ip = addressInReverse(name);
    if (ip === undefined) return false;
    return this.#ranges.some((range) => isInRange(parseIpv4(ip)!, range));
  }

  /** `10-42-0-5.default.pod.cluster.local`: whatever address, in any namespace that there is. */
  #podRecords(name: string): ZoneRecord[] | undefined {
    if (!name.endsWith(this.#podFolder)) return undefined;
    const namespace = parentOf(name), folder = parentOf(namespace);
    if (folder !== `pod.${this.domain}`) return undefined;
    if (!this.#namespaces.has(namespace.slice(0, -folder.length - 1))) return undefined;
    const ip = addressOfLabel(name.slice(0, -namespace.length - 1));
    const address = ip === undefined ? undefined : addressData(ip);
    return address && [{ name, ...address }];
  }
}

/** RFC 1035: primary server, mailbox, serial, refresh, retry, expire, time of negative answers. */
function startData(domain: string, server: string, serial: number): Uint8Array {
  const [primary, mailbox] = [nameBytes(server)!, nameBytes(`hostmaster.${domain}`)!];
  const data = new Uint8Array(primary.length + mailbox.length + 20);
  data.set(primary);
  data.set(mailbox, primary.length);
  const view = new DataView(data.buffer, primary.length + mailbox.length);
  [serial, ...SOA_TIMES].forEach((value, i) => view.setUint32(4 * i, value));
  return data;
}
