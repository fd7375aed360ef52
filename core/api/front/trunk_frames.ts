/**
 * Frames on the stream between the server and its TLS thread that carries many connections: type in 8 bits, length of the
 * payload in 24, number of the connection in 32 (big endian).
 */
export const TRUNK_HEAD_BYTES = 8;
/** Of one frame's payload. */
export const TRUNK_DATA_BYTES_MAX = 64 * 1024;

export const TO_THREAD = {
  data: 0,
  /** The connection's bytes come and go by the trunk from now on. */
  adopt: 1,
  /** Nothing more is written: says good-bye to the peer. */
  close: 2,
  /** Nothing more is to be read of it. */
  pause: 3,
  resume: 4,
} as const;

export const FROM_THREAD = {
  data: 0,
  adopted: 1,
  /** The connection is gone. */
  closed: 2,
  /** So many bytes, in 32 bits, have been taken by the peer's system. */
  drained: 3,
} as const;

export interface TrunkHead {
  type: number;
  length: number;
  connection: number;
}

export function writeTrunkHead(
  into: Uint8Array,
  at: number,
  { type, length, connection }: TrunkHead,
): void {
  into[at] = type;
  into[at + 1] = length >> 16;
  into[at + 2] = length >> 8 & 0xff;
  into[at + 3] = length & 0xff;
  into[at + 4] = connection >>> 24;
  into[at + 5] = connection >>> 16 & 0xff;
  into[at + 6] = connection >>> 8 & 0xff;
  into[at + 7] = connection & 0xff;
}

export function trunkHead(bytes: Uint8Array, at: number): TrunkHead {
  return {
    type: bytes[at]!,
    length: bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!,
    connection: u32(bytes, at + 4),
  };
}

export function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
