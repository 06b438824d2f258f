import type { JsonValue } from '../../config/yaml/json-value';

const MAX_DEPTH = 8;
const TOKEN =
  /\s*(?:([[\](){},:])|('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(True|False|None)\b)/y;

const WORDS: Readonly<Record<string, null | boolean>> = { True: true, False: false, None: null };
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/**
 * The value of a literal as Python's `repr` writes it: `{0: 'person'}`, `[640, 640]`. Keys become texts, tuples lists.
 * @returns undefined for anything else; nothing is ever run
 */
export function pythonLiteral(text: string): JsonValue | undefined {
  const reader = new LiteralReader(text);
  try {
    const value = reader.value(0);
    return reader.isAtEnd ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class LiteralReader {
  private position = 0;

  constructor(private readonly text: string) {}

  get isAtEnd(): boolean {
    return this.text.slice(this.position).trim() === '';
  }

  value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw new SyntaxError('too deep');
    const token = this.next();
    if (token === '[' || token === '(') return this.list(token === '[' ? ']' : ')', depth);
    if (token === '{') return this.mapping(depth);
    return scalar(token);
  }

  private list(end: string, depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    while (!this.take(end)) {
      items.push(this.value(depth + 1));
      if (!this.take(',') && this.peek() !== end) throw new SyntaxError('a comma');
    }
    return items;
  }

  private mapping(depth: number): Record<string, JsonValue> {
    const entries: [string, JsonValue][] = [];
    while (!this.take('}')) {
      const key = scalar(this.next()) ?? 'None';
      if (!this.take(':')) throw new SyntaxError('a colon');
      entries.push([String(key), this.value(depth + 1)]);
      if (!this.take(',') && this.peek() !== '}') throw new SyntaxError('a comma');
    }
    return Object.fromEntries(entries);
  }

  private take(token: string): boolean {
    if (this.peek() !== token) return false;
    this.next();
    return true;
  }

  private peek(): string {
    const { position } = this;
    const token = this.next();
    this.position = position;
    return token;
  }

  private next(): string {
    TOKEN.lastIndex = this.position;
    const match = TOKEN.exec(this.text);
    if (match === null) throw new SyntaxError('a token');
    this.position = TOKEN.lastIndex;
    return match[1] ?? match[2] ?? match[3] ?? match[4] ?? '';
  }
}

function scalar(token: string): null | boolean | number | string {
  const word = WORDS[token];
  if (word !== undefined) return word;
  const [first = ''] = token;
  if (first === "'" || first === '"') {
    return token.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
  }
  if (first === '-' || (first >= '0' && first <= '9')) return Number(token);
  throw new SyntaxError('a value');
}
