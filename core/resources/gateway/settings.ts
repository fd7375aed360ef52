import { ownField } from "../../lib/own_field.ts";
import { parseIpRange } from "../../lib/addresses/ip_address.ts";
import { type Cause, invalid } from "../../schema/causes.ts";
import { gatewayDurationMsOf } from "../../schema/durations.ts";

/**
 * What a Gateway says of its listeners in annotations, for which the Gateway API has no fields. Whatever is not
 * said, or not understood, is as in {@linkcode DEFAULT_SETTINGS}.
 */
export interface GatewaySettings {
  /** `coracle.dev/allow-encoded-slash: "true"`: `%2F` in paths is not refused; it counts as `/` for routes. */
  readonly allowsEncodedSlash: boolean;
  /** `coracle.dev/allow-backslash: "true"`: `\` and `%5C` in paths are not refused; they count as `/` for routes. */
  readonly allowsBackslash: boolean;
  /** `coracle.dev/allow-encoded-null: "true"`: `%00` in paths is not refused; it ends a segment for routes. */
  readonly allowsEncodedNull: boolean;
  /**
   * `coracle.dev/trusted-proxies: "10.0.0.0/8, 2001:db8::7"`: addresses and ranges of proxies in front of this one. What
   * they say of their clients (`X-Forwarded-*`, `Forwarded`, `X-Real-IP`) is kept, and added to.
   */
  readonly trustedProxies: readonly string[];
  /** `coracle.dev/head-bytes-max: "65536"`: the longest head of a request or an answer. */
  readonly headBytesMax: number;
  /** `coracle.dev/stream-idle-timeout: "10m"`: how long a request or its answer may stand still. */
  readonly streamIdleMs: number;
}

export const HEAD_BYTES_MAX_DEFAULT = 16 * 1024;
const HEAD_BYTES_MAX_LEAST = 4 * 1024;
export const HEAD_BYTES_MAX_MOST = 64 * 1024;
export const STREAM_IDLE_MS_DEFAULT = 60_000;
const STREAM_IDLE_MS_LEAST = 1_000;
export const STREAM_IDLE_MS_MOST = 24 * 3_600_000;
const TRUSTED_PROXIES_MAX = 64;

export const DEFAULT_SETTINGS: GatewaySettings = {
  allowsEncodedSlash: false,
  allowsBackslash: false,
  allowsEncodedNull: false,
  trustedProxies: [],
  headBytesMax: HEAD_BYTES_MAX_DEFAULT,
  streamIdleMs: STREAM_IDLE_MS_DEFAULT,
};

/** Thrown by a reader for a value that it does not understand: what it should have been. */
class NotUnderstood extends Error {}

interface Setting {
  name: string;
  read: (text: string) => Partial<GatewaySettings>;
}

const SETTINGS: readonly Setting[] = [
  { name: "allow-encoded-slash", read: (text) => ({ allowsEncodedSlash: isTrue(text) }) },
  { name: "allow-backslash", read: (text) => ({ allowsBackslash: isTrue(text) }) },
  { name: "allow-encoded-null", read: (text) => ({ allowsEncodedNull: isTrue(text) }) },
  { name: "trusted-proxies", read: (text) => ({ trustedProxies: ranges(text) }) },
  { name: "head-bytes-max", read: (text) => ({ headBytesMax: headBytes(text) }) },
  { name: "stream-idle-timeout", read: (text) => ({ streamIdleMs: streamIdleMs(text) }) },
];

type Annotations = Readonly<Record<string, string>>;

/** The settings of a Gateway with these annotations. */
export function settingsOf(annotations: Annotations = {}): GatewaySettings {
  return SETTINGS.reduce<GatewaySettings>((settings, { name, read }) => {
    const text = annotations[`coracle.dev/${name}`];
    if (text === undefined) return settings;
    try {
      return { ...settings, ...read(text) };
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return settings;
    }
  }, DEFAULT_SETTINGS);
}

/** Why annotations that are settings cannot be understood. */
export function settingCauses(annotations: Annotations = {}): Cause[] {
  return SETTINGS.flatMap(({ name, read }): Cause[] => {
    const key = `coracle.dev/${name}`, text = ownField(annotations, key);
    if (text === undefined) return [];
    try {
      read(text);
      return [];
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      return [invalid(`metadata.annotations[${key}]`, text, error.message)];
    }
  });
}

function isTrue(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new NotUnderstood('must be "true" or "false"');
}

function ranges(text: string): string[] {
  const all = text.split(",").map((range) => range.trim()).filter((range) => range !== "");
  const wrong = all.find((range) => parseIpRange(range) === undefined);
  if (wrong !== undefined) {
    throw new NotUnderstood(`must be IP addresses or CIDR ranges with commas between; "${wrong}"`);
  }
  if (all.length > TRUSTED_PROXIES_MAX) {
    throw new NotUnderstood(`must have at most ${TRUSTED_PROXIES_MAX} items`);
  }
  return all;
}

function headBytes(text: string): number {
  const bytes = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (bytes >= HEAD_BYTES_MAX_LEAST && bytes <= HEAD_BYTES_MAX_MOST) return bytes;
  throw new NotUnderstood(
    `must be between ${HEAD_BYTES_MAX_LEAST} and ${HEAD_BYTES_MAX_MOST}, inclusive`,
  );
}

function streamIdleMs(text: string): number {
  const ms = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text) ? gatewayDurationMsOf(text) : 0;
  if (ms >= STREAM_IDLE_MS_LEAST && ms <= STREAM_IDLE_MS_MOST) return ms;
  throw new NotUnderstood('must be a duration between "1s" and "24h"');
}
