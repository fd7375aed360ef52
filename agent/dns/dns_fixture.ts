import { CLASS, HEADER_BYTES } from "./messages/codes.ts";
import type { OwnedRecord } from "./messages/lookup.ts";
import { nameBytes, readName } from "./messages/names.ts";
import { wordAt } from "./messages/query.ts";
import { questionBytes } from "./messages/question_bytes.ts";
import type { ServiceNames } from "./zone/service_names.ts";
import { Zone } from "./zone/zone.ts";

/** A message in the words of `dig`. */
export interface ReadMessage {
  id: number;
  code: number;
  isAuthoritative: boolean;
  isTruncated: boolean;
  answers: string[];
  authority: string[];
  additional: string[];
  bytes: number;
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: "A",
  2: "NS",
  5: "CNAME",
  6: "SOA",
  12: "PTR",
  15: "MX",
  16: "TXT",
  28: "AAAA",
  33: "SRV",
};

/** Reads an answer whole. Throws for what is none. */
export function readMessage(message: Uint8Array): ReadMessage {
  const flags = wordAt(message, 2);
  let at = HEADER_BYTES;
  for (let i = wordAt(message, 4); i > 0; i--) at = readName(message, at)!.end + 4;
  const section = (count: number): string[] => {
    const texts: string[] = [];
    for (let i = 0; i < count; i++) {
      const { name, end } = readName(message, at)!;
      const type = wordAt(message, end), length = wordAt(message, end + 8), start = end + 10;
      at = start + length;
      if (at > message.length) throw new Error("a record is cut off");
      if (type !== 41) {
        texts.push(`${name} ${TYPE_NAMES[type] ?? type} ${dataText(message, type, start, length)}`);
      }
    }
    return texts;
  };
  const answers = section(wordAt(message, 6)), authority = section(wordAt(message, 8));
  return {
    id: wordAt(message, 0),
    code: flags & 15,
    isAuthoritative: (flags & 0x400) !== 0,
    isTruncated: (flags & 0x200) !== 0,
    answers,
    authority,
    additional: section(wordAt(message, 10)),
    bytes: message.length,
  };
}

function dataText(message: Uint8Array, type: number, at: number, length: number): string {
  const data = message.subarray(at, at + length);
  const nameAt = (offset: number) => readName(message, at + offset)!.name;
  switch (TYPE_NAMES[type]) {
    case "A":
      return data.join(".");
    case "AAAA":
      return data.toHex();
    case "NS":
    case "CNAME":
    case "PTR":
      return nameAt(0);
    case "SRV":
      return `${wordAt(data, 0)} ${wordAt(data, 2)} ${wordAt(data, 4)} ${nameAt(6)}`;
    case "TXT":
      return new TextDecoder().decode(data.subarray(1));
    case "SOA":
      return nameAt(0);
    default:
      return data.toHex();
  }
}

/** A query as a resolver of libc sends it, without EDNS unless `edns` says how much it takes. */
export function queryBytes(
  name: string,
  type: number,
  { id = 7, edns }: { id?: number; edns?: number } = {},
): Uint8Array {
  const whole = questionBytes({ name, type }, id)!;
  if (edns === undefined) {
    const plain = whole.slice(0, -11);
    plain[11] = 0;
    return plain;
  }
  new DataView(whole.buffer).setUint16(whole.length - 8, edns);
  return whole;
}

/** An answer of another server. Owners are written whole. */
export function answerBytes(
  query: Uint8Array,
  { code = 0, answers = [], authority = [], isTruncated = false }: {
    code?: number;
    answers?: readonly OwnedRecord[];
    authority?: readonly OwnedRecord[];
    isTruncated?: boolean;
  } = {},
): Uint8Array {
  const { end } = readName(query, HEADER_BYTES)!;
  const head = query.slice(0, end + 4);
  const view = new DataView(head.buffer);
  view.setUint16(2, 0x8180 | (isTruncated ? 0x200 : 0) | code);
  view.setUint16(6, answers.length);
  view.setUint16(8, authority.length);
  view.setUint16(10, 0);
  const records = [...answers, ...authority].flatMap(({ owner, type, ttl, data }) => {
    const fixed = new Uint8Array(10), view = new DataView(fixed.buffer);
    view.setUint16(0, type);
    view.setUint16(2, CLASS.internet);
    view.setUint32(4, ttl);
    view.setUint16(8, data.length);
    return [...nameBytes(owner)!, ...fixed, ...data];
  });
  return Uint8Array.from([...head, ...records]);
}

/** The zone of the tests: range of Services 10.96.0.0/16, of pods 10.42.0.0/24. */
export function zoneOf(services: readonly ServiceNames[] = [], namespaces = ["default"]): Zone {
  const ranges = ["10.96.0.0/16", "10.42.0.0/24"];
  const zone = new Zone({ domain: "cluster.local", address: "10.96.0.10", ranges, serial: 1 });
  for (const each of services) zone.setService(`${each.namespace}/${each.name}`, each);
  for (const name of namespaces) zone.setNamespace(name, true);
  return zone;
}

export function namesOf(name: string, rest: Partial<ServiceNames> = {}): ServiceNames {
  return { namespace: "default", name, clusterIPs: [], ports: [], endpoints: [], ...rest };
}
