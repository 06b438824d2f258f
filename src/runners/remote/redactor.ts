import type { Tensor } from '../../tensors/tensor';

/** What is shorter is looked for as it is alone: its other spellings are found in innocent text. */
const LEAST_ENCODED = 8;
const SECRET = '[secret]';
const HOST = '[remote]';

/** Takes out of what a remote said what no client, and no log, is to see: secrets, and where the remote is. */
export class Redactor {
  private readonly secret: RegExp | undefined;
  private readonly host: RegExp | undefined;
  /** Secrets that are long enough to be told from data. */
  private readonly inData: RegExp | undefined;

  constructor(secrets: readonly string[], hosts: readonly string[] = []) {
    // The longest first: one may be a part of another.
    const sorted = [...secrets].sort((a, b) => b.length - a.length);
    this.secret = anyOf(sorted.flatMap(spellings));
    this.inData = anyOf(sorted.filter((secret) => secret.length >= LEAST_ENCODED).flatMap(spellings));
    const names = [...hosts].sort((a, b) => b.length - a.length).map(escaped);
    this.host =
      names.length === 0 ? undefined : new RegExp(`(?<![\\w.-])(?:${names.join('|')})(?![\\w-])`, 'gi');
  }

  /** A text of the remote, or about it. */
  text(text: string): string {
    const clean = this.secret === undefined ? text : text.replace(this.secret, SECRET);
    return this.host === undefined ? clean : clean.replace(this.host, HOST);
  }

  /** Texts among the outputs, in place; where a remote is, they may say. */
  tensors(outputs: Tensor[]): Tensor[] {
    const { inData } = this;
    if (inData === undefined) return outputs;
    for (const { data } of outputs) {
      if (!Array.isArray(data)) continue;
      for (let i = 0; i < data.length; i++) data[i] = data[i]!.replace(inData, SECRET);
    }
    return outputs;
  }
}

function anyOf(patterns: readonly string[]): RegExp | undefined {
  return patterns.length === 0 ? undefined : new RegExp(patterns.join('|'), 'g');
}

/** Patterns of a secret as it is or with any of its bytes percent-encoded, and of what base64 makes of it. */
function spellings(secret: string): string[] {
  const characters = [...secret].map((character) => `(?:${escaped(character)}|${percent(character)})`);
  if (secret.length < LEAST_ENCODED) return [characters.join('')];
  return [characters.join(''), ...base64(secret)];
}

function percent(character: string): string {
  const bytes = [...Buffer.from(character)].map((byte) => byte.toString(16).padStart(2, '0'));
  return bytes
    .map((hex) => `%${[...hex].map((digit) => `[${digit}${digit.toUpperCase()}]`).join('')}`)
    .join('');
}

/**
 * What base64, in either alphabet, makes of a secret within something longer, such as `user:secret`: it depends on how
 * many bytes come before it, by threes. The characters at both ends that hold bits of what is around it are left out.
 */
function base64(secret: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const firstOwn = Math.ceil((before * 8) / 6);
    const endOwn = Math.floor((bytes.length * 8) / 6);
    const text = bytes.toString('base64').slice(firstOwn, endOwn);
    return escaped(text).replaceAll('\\+', '[+-]').replaceAll('/', '[/_]');
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
