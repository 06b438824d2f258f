import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

/** Which proxies are believed when they say whom they pass on: so many before this server, or those of these networks. */
export type TrustedProxies = number | readonly string[];

/** More entries than any chain of proxies has. */
const MOST_ENTRIES = 32;

/**
 * Finds the address of whoever sent a request. `X-Forwarded-For` counts as far as trusted proxies have written it: each
 * adds the address that it was asked from at the end, and what stands before the first that is not trusted anybody
 * may have made up.
 * @returns undefined where no proxy is trusted: the address is the connection's
 */
export function clientAddresses(
  trusted: TrustedProxies,
): ((req: IncomingMessage) => string | undefined) | undefined {
  if (trusted === 0 || (typeof trusted === 'object' && trusted.length === 0)) return undefined;
  const trusts = typeof trusted === 'number' ? firstOnes(trusted) : within(trusted);
  return (req) => {
    let address = req.socket.remoteAddress;
    const entries = req.headers['x-forwarded-for']?.toString().split(',').slice(-MOST_ENTRIES) ?? [];
    for (let hop = 0; address !== undefined && trusts(address, hop); hop++) {
      const next = addressOf(entries.pop());
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
}

function firstOnes(count: number): (address: string, hop: number) => boolean {
  return (_address, hop) => hop < count;
}

function within(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [base = '', bits] = network.split('/');
    const family = isIPv4(base) ? 'ipv4' : 'ipv6';
    list.addSubnet(base, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family);
  }
  return (address) => {
    const plain = withoutMapping(address);
    return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  };
}

/** An entry without its port and brackets; undefined for what is no address. */
function addressOf(entry: string | undefined): string | undefined {
  const text = entry?.trim() ?? '';
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
}

/** How a socket for both families shows an address of IPv4. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
