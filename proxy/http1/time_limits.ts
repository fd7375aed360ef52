/** A new connection must send its first byte within this long. */
export const FIRST_BYTE_MS = 10_000;
/** A client may keep a connection open this long without another request. */
export const IDLE_MS = 75_000;
/** A request head must be complete this long after its first byte. */
export const HEAD_MS = 10_000;
/** A tunnel may be idle this long. */
export const TUNNEL_IDLE_MS = 3_600_000;
/** A half-closed tunnel may be idle this long. */
export const HALF_TUNNEL_IDLE_MS = 60_000;
/** How long it waits for the client's end after its own, and longer while the client still reads. */
export const LINGER_MS = 2_000;
export const LINGER_MS_MAX = 60_000;
