/** A stream or a whole tunnel is over before its time; the message is the reason. */
export class MuxError extends Error {
  override name = "MuxError";
}

/** The other end does not keep to the protocol: the tunnel has to end. */
export class ProtocolError extends MuxError {
  override name = "ProtocolError";
}
