import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** In /proc/net/tcp: the local and remote ports in hex, and the inode of the socket. */
const LINE = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) \S+ \S+ \S+ \S+ +\d+ +\d+ (\d+)/;

/** Which of the processes holds the server's end of each connection to `serverPort`, by the client's port. */
export function holdersOf(serverPort: number, pids: readonly number[]): Map<number, number> {
  const portOfInode = new Map<string, number>();
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local = '', remote = '', inode = '0'] = LINE.exec(line) ?? [];
    if (parseInt(local, 16) === serverPort && inode !== '0') portOfInode.set(inode, parseInt(remote, 16));
  }
  const holders = new Map<number, number>();
  for (const pid of pids) {
    for (const inode of socketsOf(pid)) {
      const port = portOfInode.get(inode);
      if (port !== undefined) holders.set(port, pid);
    }
  }
  return holders;
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode === undefined ? [] : [inode];
    });
  } catch {
    return [];
  }
}

/** Empty for a descriptor that was closed since it was listed. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
