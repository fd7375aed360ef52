/** What one data frame carries at most. */
export const FRAME_BYTES_MAX = 16 * 1024;
/** Of what an opener asks for. */
export const HEAD_BYTES_MAX = 8 * 1024;
/** Of the reason of a reset. */
export const REASON_BYTES_MAX = 1024;
/** Of any other frame. */
export const CONTROL_BYTES_MAX = 64;

/** What each direction of a stream may carry before its reader has taken anything. Part of the protocol. */
export const WINDOW_BYTES = 64 * 1024;
/** A window that its reader keeps empty grows up to this, and one of a slow tunnel shrinks to the smallest. */
export const WINDOW_BYTES_MAX = 1024 * 1024;
export const WINDOW_BYTES_MIN = 16 * 1024;
/** By how much all windows together may be larger than {@linkcode WINDOW_BYTES} each. */
export const GROWN_BYTES_MAX = 8 * 1024 * 1024;
/** Credit that an end accepts for one stream: more is an error of the other end. */
export const CREDIT_BYTES_MAX = 16 * 1024 * 1024;

/** Streams that either end may have opened at once; more are refused one by one. */
export const STREAMS_MAX = 2_048;
/** What may wait for all readers of a tunnel together: the stream that brings more is reset. */
export const UNREAD_BYTES_MAX = 24 * 1024 * 1024;
/** Refusals in a row, or refusals that wait to be sent, before the tunnel ends. */
export const REFUSALS_MAX = 1024;
/** Answers to pings that wait to be sent; the oldest are left out beyond that. */
export const PONGS_MAX = 16;

/** What is at most this long overtakes bulk. */
export const SMALL_BYTES = 2 * 1024;
/** How much of one stream may overtake bulk between two answered pings. */
export const OVERTAKING_BYTES_MAX = 8 * 1024;
/** What a stream takes from its writer ahead of sending it. */
export const WRITE_AHEAD_BYTES = 64 * 1024;
