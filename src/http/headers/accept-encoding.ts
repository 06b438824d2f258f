/** The codings in which an answer can be sent. */
export type ContentCoding = 'gzip' | 'deflate';

/**
 * The coding that an `Accept-Encoding` header likes best; undefined for none, which is also what a client
 * without the header gets. https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding
 */
export function preferredCoding(header: string | undefined): ContentCoding | undefined {
  if (header === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';');
    weights.set(name.trim(), weightIn(parameters));
  }
  const any = weights.get('*') ?? 0;
  const gzip = weights.get('gzip') ?? weights.get('x-gzip') ?? any;
  const deflate = weights.get('deflate') ?? any;
  const best = Math.max(gzip, deflate);
  // A client that names `identity` may like it better than the rest.
  if (best <= 0 || best < (weights.get('identity') ?? 0)) return undefined;
  return gzip === best ? 'gzip' : 'deflate';
}

/** The quality value among a coding's parameters, 1 without one; one that is malformed refuses the coding. */
function weightIn(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name.trim() !== 'q') continue;
    return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value.trim()) ? Number(value) : 0;
  }
  return 1;
}
