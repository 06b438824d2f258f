import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Coalesced } from '../../common/coalesced';

/** The kernel's list of connections, read once for all who ask for it at a time. */
const connections = new Coalesced(async () => {
  const read = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '');
  return (await Promise.all([read('/proc/self/net/tcp'), read('/proc/self/net/tcp6')])).join('');
});

/**
 * What the kernel still holds of what was sent on a connection, as a number in hexadecimal digits: it becomes less with
 * all that the other side takes, long before there is room that Node hears of. Undefined where the system does not tell.
 * Of several connections with the same two ports, of clients with different addresses, it is a number for each.
 */
export async function unacknowledged({ localPort, remotePort }: Socket): Promise<string | undefined> {
  if (localPort === undefined || remotePort === undefined) return undefined;
  const [local, remote] = [hexOf(localPort), hexOf(remotePort)];
  const lines = new RegExp(`:${local} [0-9A-F]+:${remote} [0-9A-F]{2} ([0-9A-F]+):`, 'g');
  const queues = [...(await connections.run()).matchAll(lines)].map(([, bytes]) => bytes);
  return queues.length === 0 ? undefined : queues.join();
}

function hexOf(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
