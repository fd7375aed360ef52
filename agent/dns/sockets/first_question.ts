/**
 * Resolves when somebody asks at an address for datagrams, which is free again then, or when `signal` aborts. The question
 * is lost: who asks does so again. Resolves at once where nobody can listen: who tries next says why.
 */
export async function firstQuestion(
  { address: hostname, port }: { address: string; port: number },
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  let socket: Deno.DatagramConn;
  try {
    socket = Deno.listenDatagram({ transport: "udp", hostname, port });
  } catch {
    return;
  }
  const close = () => socket.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await socket.receive();
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) socket.close();
  }
}
