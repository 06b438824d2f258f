/** How much one caller may ask for; what is left out has no limit. */
export interface Limits {
  readonly requestsPerSecond?: number;
  readonly rowsPerSecond?: number;
  /** In each worker. */
  readonly requestsAtOnce?: number;
  /** Of one request, also after decompression. */
  readonly bodyBytes?: number;
}

export function isLimited({ requestsPerSecond, rowsPerSecond, requestsAtOnce, bodyBytes }: Limits): boolean {
  return (requestsPerSecond ?? rowsPerSecond ?? requestsAtOnce ?? bodyBytes) !== undefined;
}

const GROUPS_OF_A_NETWORK = 4;

/** Under which name the callers of an address count together: of IPv6, those of one network, as it is one customer's. */
export function addressName(address = ''): string {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (!plain.includes(':')) return `ip:${plain}`;
  const groups = plain.split(':');
  const gap = groups.indexOf('');
  const kept = groups.slice(0, gap === -1 ? GROUPS_OF_A_NETWORK : Math.min(gap, GROUPS_OF_A_NETWORK));
  return `ip:${kept.join(':')}::`;
}
