/** A new connection must say something within this long. */
export const FIRST_BYTE_MS = 10_000;
/** A client may keep a connection without a further request this long. */
export const IDLE_MS = 75_000;
/** A request head must be whole this long after its first byte. */
export const HEAD_MS = 10_000;
/** A tunnel may stand still this long. */
export const TUNNEL_IDLE_MS = 3_600_000;
/** A tunnel of which one side has ended may stand still this long. */
export const HALF_TUNNEL_IDLE_MS = 60_000;
/** After our end was sent, this long is waited for the client's, and longer while it still reads. */
export const LINGER_MS = 2_000;
export const LINGER_MS_MAX = 60_000;
