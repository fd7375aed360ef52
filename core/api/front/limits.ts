/** Authenticated connections. An idle one costs about 40 KB. */
export const AUTHENTICATED_MAX = 4096;
/** Authenticated connections of one user other than the admin, so that one node cannot take them all. */
export const AUTHENTICATED_PER_USER_MAX = 512;
/** Tunnels of nodes, which have no places among the others. */
export const TUNNELS_MAX = 16_384;
/** Unauthenticated connections, counted apart so that they never evict authenticated ones. */
export const UNAUTHENTICATED_MAX = 1024;
/** Unauthenticated connections from one address. */
export const UNAUTHENTICATED_PER_ADDRESS_MAX = 256;
/** TLS handshakes in progress, in all and from one address. Beyond that, the oldest is closed. */
export const HANDSHAKES_MAX = 512;
export const HANDSHAKES_PER_ADDRESS_MAX = 128;
/** Bytes buffered in both directions for all unauthenticated clients, as far as this process can see them. */
export const UNAUTHENTICATED_BYTES_MAX = 48 * 1024 * 1024;
/** Requests in flight on one connection: no client that waits for answers pipelines more. */
export const REQUESTS_PER_CONNECTION_MAX = 16;
/** The same for an unauthenticated client: clients that pipeline authenticate first. */
export const UNAUTHENTICATED_REQUESTS_MAX = 2;
/** Bytes received on a connection that the server has paused. More means that the runtime does not stop reading. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** Bytes read of a body after its request was answered, so that the client of a too large one sees the answer. */
export const DISCARDED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Bytes that the kernel buffers between the two threads towards the server. This bounds pipelined requests: Node makes an
 * object of each one that it finds in a single read, before we can close the connection, and the default of 208 KiB holds
 * 5,000 of them. A large body costs a fifth more CPU than with 16 KiB.
 */
export const PIPE_BYTES = 2 * 1024;
/**
 * TLS bytes without application data that a peer may send: one incomplete record, and some 300 key updates. Endless key
 * updates, of 27 bytes each, would keep the thread busy.
 */
export const SILENT_BYTES_MAX = 24 * 1024;
/** Bytes read and dropped from a peer that keeps sending after the server has closed. */
export const LINGER_BYTES_MAX = 1024 * 1024;

/** Room for a Table's Accept header, tokens and traces; kube-apiserver takes 1 MiB. */
export const HEAD_BYTES_MAX = 64 * 1024;
export const HANDSHAKE_MS = 10_000;
/** From the handshake to the end of the first head, and from the first byte of a later head to its end. */
export const HEAD_MS = 10_000;
/** A whole request, its body included. */
export const REQUEST_MS = 60_000;
export const KEEP_ALIVE_MS = 75_000;
/** How long a peer may read nothing of an answer. */
export const STALL_MS = 60_000;
/** Time for a peer to read its last answer: to a refused upgrade, or to a request whose body is discarded. */
export const CLOSE_MS = 1_000;
/** Time for requests in flight to end when the server stops. */
export const STOP_GRACE_MS = 5_000;
/** How often Node looks for requests that take too long. */
export const CHECK_MS = 10_000;
