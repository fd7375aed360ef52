import { isTime } from "../formats.ts";
import type { Schema } from "../schema.ts";

/**
 * The format that a string has to be of; `undefined` when there is none, or one that is not known.
 * Source: apiextensions-apiserver `pkg/apiserver/validation/formats.go`.
 */
export function formatOf({ format }: Schema): string | undefined {
  return format !== undefined && FORMATS.has(normal(format)) ? format : undefined;
}

/** Whether a text is of a format that {@linkcode formatOf} knows. All are linear in the length of the text. */
export function isOfFormat(format: string, text: string): boolean {
  return FORMATS.get(normal(format))?.(text) ?? true;
}

/** Dashes do not count. */
function normal(format: string): string {
  return format.replaceAll("-", "");
}

const uuid = (version: string, variant = "[0-9a-f]") =>
  new RegExp(
    `^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`,
    "i",
  );
const matches = (expression: RegExp) => (text: string) => expression.test(text);

const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["bsonobjectid", matches(/^[0-9a-f]{24}$/i)],
  ["uri", isRequestUri],
  ["email", isEmail],
  ["hostname", isHostname],
  ["ipv4", isIpv4],
  ["ipv6", isIpv6],
  ["cidr", isCidr],
  ["mac", isMac],
  ["uuid", matches(uuid("[0-9a-f]"))],
  ["uuid3", matches(uuid("3"))],
  ["uuid4", matches(uuid("4", "[89ab]"))],
  ["uuid5", matches(uuid("5", "[89ab]"))],
  ["isbn", (text) => isIsbn10(text) || isIsbn13(text)],
  ["isbn10", isIsbn10],
  ["isbn13", isIsbn13],
  ["creditcard", isCreditCard],
  ["ssn", matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ["hexcolor", matches(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i)],
  ["rgbcolor", isRgbColor],
  ["byte", isBase64],
  ["password", () => true],
  ["date", isDate],
  ["duration", isDuration],
  ["datetime", isDateTime],
  ["k8sshortname", matches(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)],
  ["k8slongname", (text) => text.length <= 253 && LONG_NAME.test(text)],
]);
const LONG_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Go's `url.ParseRequestURI`: an absolute URL, or an absolute path. */
function isRequestUri(text: string): boolean {
  if (text === "" || /[\s\p{Cc}]/u.test(text) || /%(?![0-9a-f]{2})/i.test(text)) return false;
  if (text.startsWith("/")) return true;
  const scheme = /^[a-z][a-z0-9+.-]*:(.*)$/is.exec(text);
  if (!scheme) return false;
  const authority = /^\/\/([^/?#]*)/.exec(scheme[1]!)?.[1];
  return authority === undefined || isAuthority(authority);
}

function isAuthority(authority: string): boolean {
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (host.startsWith("[")) return /^\[[0-9a-f:.%a-z]+\](:\d*)?$/i.test(host);
  return /^[^\s"<>\\^`{|}[\]:]*(:\d*)?$/.test(host);
}

/** An address as Go's `net/mail` reads it: alone, or `Name <address>`. */
function isEmail(text: string): boolean {
  const address = /^[^<>]*<([^<>]+)>\s*$/.exec(text)?.[1] ?? text.trim();
  const at = address.lastIndexOf("@");
  if (at <= 0) return false;
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const isLocal = /^"[^"]*"$/.test(local) || (ATOMS.test(local) && !/^\.|\.\.|\.$/.test(local));
  const isDomain = /^\[[^\][]*\]$/.test(domain) ||
    (ATOMS.test(domain) && !/^\.|\.\.|\.$/.test(domain));
  return isLocal && isDomain;
}
const ATOMS = /^[\w!#$%&'*+/=?^`{|}~.\u0080-\uffff-]+$/;

/** RFC 1034, with digits first and letters of any script; the last label is at least two letters when there are several. */
function isHostname(text: string): boolean {
  if (new TextEncoder().encode(text).length > 255) return false;
  const labels = text.replace(/\.$/, "").split(".");
  const isLabel = (label: string) =>
    /^[a-z0-9\p{S}\p{L}]([a-z0-9\p{S}\p{L}-]{0,61}[a-z0-9\p{S}\p{L}])?$/iu.test(label);
  if (!labels.every(isLabel)) return false;
  return labels.length === 1 || /^[a-z\p{L}]{2,63}$/iu.test(labels.at(-1)!);
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^\d{1,10}$/.test(part) && Number(part) <= 255);
}

/** Go's `net.ParseIP` for a text with a colon. */
function isIpv6(text: string): boolean {
  if (!text.includes(":") || text.length > 45) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  const last = groups.at(-1) ?? "";
  const endsInIpv4 = last.includes(".");
  if (endsInIpv4 && !isIpv4(last)) return false;
  const words = endsInIpv4 ? groups.slice(0, -1) : groups;
  if (!words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return false;
  const count = words.length + (endsInIpv4 ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

function isCidr(text: string): boolean {
  const [, address, prefix] = /^([^/]*)\/(\d{1,3})$/.exec(text) ?? [];
  if (address === undefined) return false;
  return isIpv4(address) ? Number(prefix) <= 32 : isIpv6(address) && Number(prefix) <= 128;
}

/** Go's `net.ParseMAC`: 6, 8 or 20 bytes, in pairs with `:` or `-`, or in fours with dots. */
function isMac(text: string): boolean {
  const bytes = text.split(/[:-]/).length;
  const isPaired = [6, 8, 20].includes(bytes) &&
    (/^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(text) || /^[0-9a-f]{2}(-[0-9a-f]{2})+$/i.test(text));
  return isPaired ||
    ([3, 4, 10].includes(text.split(".").length) && /^[0-9a-f]{4}(\.[0-9a-f]{4})+$/i.test(text));
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, "");
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  const sum = [...digits].reduce(
    (sum, digit, i) => sum + (10 - i) * (digit === "X" ? 10 : +digit),
    0,
  );
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, "");
  if (!/^\d{13}$/.test(digits)) return false;
  return [...digits].reduce((sum, digit, i) => sum + +digit * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

const CARD =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^\d]/g, "");
  if (!CARD.test(digits)) return false;
  const sum = [...digits].reverse().reduce((sum, digit, i) => {
    const value = +digit * (i % 2 === 0 ? 1 : 2);
    return sum + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function isRgbColor(text: string): boolean {
  const parts = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
  return parts !== null && parts.slice(1).every((part) => Number(part) <= 255);
}

/** Padded, without line ends, and not empty. */
function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/.test(
    text,
  );
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && isTime(`${text}T00:00:00Z`);
}

/** RFC 3339, and what go-openapi's strfmt takes besides: small letters, a blank for the T, no zone. */
function isDateTime(text: string): boolean {
  if (text.length > TIME_CHARS_MAX) return false;
  const upper = text.toUpperCase().replace(" ", "T");
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(upper) ? upper : `${upper}Z`;
  return isTime(zoned.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
}

/** No time or duration is longer. */
const TIME_CHARS_MAX = 256;
const UNITS =
  "ns|us|µs|μs|ms|s|m|h|d|w|nanos?|micros?|millis?|seconds?|secs?|minutes?|mins?|hours?|days?|weeks?";
const GO_DURATION = /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/;
const WORDY_DURATION = new RegExp(`^\\s*\\d+\\s*(${UNITS})\\s*$`, "i");

/** Go's `time.ParseDuration`, or one number with a word, as Scala has them. */
function isDuration(text: string): boolean {
  if (text.length > TIME_CHARS_MAX) return false;
  return GO_DURATION.test(text) || WORDY_DURATION.test(text);
}
