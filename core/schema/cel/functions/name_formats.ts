import {
  dns1035LabelFaults,
  labelNameFaults,
  labelValueFaults,
  type NameRule,
  prefixFaultsOf,
  qualifiedNameFaults,
  subdomainFaults,
} from "../../names.ts";
import type { Meter } from "../values/meter.ts";
import { ArrayList, OpaqueValue, OptionalValue, type Value } from "../values/values.ts";
import type { Declaration } from "./overloads.ts";
import { timestampFrom } from "./times.ts";
import { urlFault } from "./urls.ts";

/** A format that names and values can have. */
export class FormatValue extends OpaqueValue {
  readonly typeName = "kubernetes.NamedFormat";
  readonly name: string;
  readonly faults: NameRule;
  /** Characters of the regular expression that Kubernetes reckons with for the cost. */
  readonly patternLength: number;

  constructor(name: string, patternLength: number, faults: NameRule) {
    super();
    this.name = name;
    this.patternLength = patternLength;
    this.faults = faults;
  }

  equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && other.name === this.name;
  }
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const TEXT_MAX = 64 * 1024;

/** Lengths of patterns: of the regular expressions that Kubernetes counts. */
const FORMATS: readonly (readonly [name: string, patternLength: number, faults: NameRule])[] = [
  ["dns1123Label", 30, labelNameFaults],
  ["dns1123Subdomain", 60, subdomainFaults],
  ["dns1035Label", 30, dns1035LabelFaults],
  ["qualifiedName", 60, qualifiedNameFaults],
  ["dns1123LabelPrefix", 30, (text) => prefixFaultsOf(labelNameFaults, text)],
  ["dns1123SubdomainPrefix", 60, (text) => prefixFaultsOf(subdomainFaults, text)],
  ["dns1035LabelPrefix", 30, (text) => prefixFaultsOf(dns1035LabelFaults, text)],
  ["labelValue", 40, labelValueFaults],
  ["uri", 1000, (text) => uriFaults(text)],
  ["uuid", 77, (text) => UUID.test(text) ? [] : ["does not match the UUID format"]],
  [
    "byte",
    76,
    (text) => text.length % 4 === 0 && BASE64.test(text) ? [] : ["invalid base64"],
  ],
  ["date", 120, (text) => isTime(`${text}T00:00:00Z`) ? [] : ["invalid date"]],
  ["datetime", 120, (text) => isTime(text) ? [] : ["invalid datetime"]],
];

function uriFaults(text: string): string[] {
  const fault = urlFault(text);
  return fault === undefined ? [] : [`parse ${JSON.stringify(text)}: ${fault}`];
}

function isTime(text: string): boolean {
  return timestampFrom(text.replace(" ", "T").toUpperCase()) !== undefined;
}

const BY_NAME = new Map(
  FORMATS.map(([name, length, faults]) => [name, new FormatValue(nameOf(name), length, faults)]),
);

/** As Kubernetes names them: `DNS1123Label`, but `uuid`. */
function nameOf(name: string): string {
  if (name.startsWith("dns")) return `DNS${name.slice(3)}`;
  if (name === "uri") return "URI";
  return name === "labelValue" || name === "qualifiedName"
    ? name[0]!.toUpperCase() + name.slice(1)
    : name;
}

/** `format.dns1123Label().validate(s)`: an optional list of what is wrong. */
export const NAME_FORMATS: readonly Declaration[] = [
  ...[...BY_NAME].map(([name, format]): Declaration => [
    `format.${name}`,
    `format.${name}(): Format`,
    () => format,
  ]),
  [
    "format-named",
    "format.named(string): optional(Format)",
    (name: string) => new OptionalValue(BY_NAME.get(name)),
  ],
  [
    "format-validate",
    "Format.validate(string): optional(list(string))",
    (format: FormatValue, text: string, meter: Meter): Value => {
      meter.work(text.length >> 4);
      const faults = text.length > TEXT_MAX ? ["too long"] : format.faults(text);
      return faults.length ? new OptionalValue(new ArrayList(faults)) : new OptionalValue();
    },
  ],
];
