import { durationFault } from "./durations.ts";
import { quantityFault } from "./quantities.ts";
import type { Schema } from "./schema.ts";

/** Why a text is not of a format; `undefined` when it is. `field` is the path, for the message. */
type FormatFault = (text: string, field: () => string) => string | undefined;

const FAULTS: Readonly<Record<string, FormatFault>> = {
  "quantity": quantityFault,
  "duration": durationFault,
  "byte": base64Fault,
  "date-time": (text, field) =>
    isTime(text) ? undefined : `${field()} in body must be of type date-time: ${quoted(text)}`,
};

/** The rule of a string format; `undefined` when it has none. */
export function formatFaultOf(format: Schema["format"]): FormatFault | undefined {
  return format === undefined ? undefined : FAULTS[format];
}

/** The whole numbers that a format can hold; those of int64 beyond 2^53 are not exact in JSON. */
export function rangeOf(format: Schema["format"]): readonly [number, number] {
  if (format === "int32") return [-(2 ** 31), 2 ** 31 - 1];
  if (format === "int64") return [-(2 ** 63), 2 ** 63];
  return [-Infinity, Infinity];
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether `text` is a time as Go reads RFC 3339: capital T and Z, a day that the month has. */
export function isTime(text: string): boolean {
  const parts = TIME.exec(text);
  if (!parts) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const leaps = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const daysMax = month === 2 && leaps ? 29 : MONTH_DAYS[month - 1] ?? 0;
  return day >= 1 && day <= daysMax;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Go's `encoding/base64` in its standard alphabet: with padding; line ends are skipped. */
function base64Fault(text: string): string | undefined {
  const joined = text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n]/g, "") : text;
  if (BASE64.test(joined)) return undefined;
  const foreign = text.search(/[^A-Za-z0-9+/\r\n]/);
  return `illegal base64 data at input byte ${foreign < 0 ? text.length : foreign}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length <= 64 ? text : `${text.slice(0, 64)}...`);
}
