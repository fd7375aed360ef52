/** Connections of those who have shown who they are. An idle one costs about 40 KB. */
export const KNOWN_CONNECTIONS_MAX = 4096;
/** Of those, how many are of one user who is not the admin: else a node that only watches keeps everybody else out. */
export const KNOWN_PER_USER_MAX = 512;
/** Connections of those who have not: of all together, so that they never take a place of the others. */
export const STRANGERS_MAX = 1024;
/** Of those, how many come from one address. */
export const STRANGERS_PER_ADDRESS_MAX = 256;
/** TLS handshakes under way: of all together, and of one address. Beyond, the oldest goes. */
export const HANDSHAKES_MAX = 512;
export const HANDSHAKES_PER_ADDRESS_MAX = 128;
/** Bytes that wait in both directions for all strangers together, as far as this process can see them. */
export const STRANGER_BYTES_MAX = 48 * 1024 * 1024;
/** Requests under way on one connection: nobody who waits for answers pipelines so many. */
export const REQUESTS_PER_CONNECTION_MAX = 16;
/** The same of a stranger: clients that send requests ahead show first who they are. */
export const STRANGER_REQUESTS_MAX = 2;
/** What a connection may hand over while nobody reads it. More means that the runtime does not stop reading. */
export const UNREAD_BYTES_MAX = 1024 * 1024;
/** What is read of a body after its request was answered, so that the answer to one that is too large arrives. */
export const UNWANTED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * What the kernel keeps of what the server has not read. It bounds the requests that are sent without reading the answers:
 * Node makes an object of each that it finds in one read, before we can close the connection, and the default of 208 KiB
 * holds 5,000 of them. A large body costs a fifth more CPU than with 16 KiB.
 */
export const PIPE_BYTES = 2 * 1024;
/**
 * What a peer may send over TLS that carries nothing: one record that is not whole, and some 300 changes of keys. Who
 * changes keys without end would keep the thread busy for all others, at 27 bytes each.
 */
export const SILENT_BYTES_MAX = 24 * 1024;
/** What is read and dropped of a peer that goes on sending to a server that has closed. */
export const FAREWELL_BYTES_MAX = 1024 * 1024;

/** Room for a Table's Accept header, tokens and traces; kube-apiserver takes 1 MiB. */
export const HEAD_BYTES_MAX = 64 * 1024;
export const HANDSHAKE_MS = 10_000;
/** From the handshake to the end of the first head, and from the first byte of a later head to its end. */
export const HEAD_MS = 10_000;
/** A whole request, its body included. */
export const REQUEST_MS = 60_000;
export const KEEP_ALIVE_MS = 75_000;
/** How long bytes of an answer may wait without one of them being taken. */
export const STALL_MS = 60_000;
/** What a peer is given to read a last answer: of a refused upgrade, or of a request whose body nobody wants. */
export const CLOSE_MS = 1_000;
/** What requests under way are given to end when the server stops. */
export const STOP_GRACE_MS = 5_000;
/** How often Node looks for requests that take too long. */
export const CHECK_MS = 10_000;
