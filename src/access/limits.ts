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
