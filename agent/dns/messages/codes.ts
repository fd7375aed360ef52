/** Types of records (RFC 1035, 3596, 2782, 6891). */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** Response codes (RFC 1035, 6891). */
export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  /** Of EDNS alone: its low four bits are 0. */
  badVersion: 16,
} as const;

export const CLASS = { internet: 1, any: 255 } as const;

/** Bits of the second 16 bits of a header. */
export const FLAG = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
} as const;

export const HEADER_BYTES = 12;
/** What a client without EDNS takes by UDP (RFC 1035). */
export const UDP_BYTES_MIN = 512;
/** What passes every path unfragmented: the DNS flag day of 2020. */
export const UDP_BYTES_MAX = 1232;
export const MESSAGE_BYTES_MAX = 65_535;
/** Of a name as it is sent, with the lengths of its labels (RFC 1035). */
export const NAME_BYTES_MAX = 255;
export const LABEL_BYTES_MAX = 63;
