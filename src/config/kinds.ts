import { isIP } from 'node:net';
import { resolve } from 'node:path';

/** How the text of a variable becomes its value. */
export interface Kind<T> {
  /** The rule in words, as it follows "NAME must be". */
  readonly rule: string;
  /** The value of a text that is not empty and has no white space at its ends; undefined breaks the rule. */
  readonly parse: (text: string) => T | undefined;
  /** What an empty text means, where it means anything but "not set". */
  readonly empty?: T;
  /** Takes the text as it is, white space at its ends included. */
  readonly verbatim?: boolean;
}

/** Whole numbers in plain decimal digits: no fraction, exponent, plus sign or leading zero. */
export function wholeNumber(min: number, max: number, unit?: string): Kind<number> {
  return {
    rule: `a whole number${unit === undefined ? '' : ` of ${unit}`} from ${min} to ${max}`,
    parse: (text) => {
      const value = /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** The `also` text is a second spelling of `auto`. */
export function orAuto<T>(kind: Kind<T>, also?: string): Kind<T | 'auto'> {
  return {
    rule: `${also === undefined ? 'auto' : `auto (or ${also})`} or ${kind.rule}`,
    parse: (text) => (text.toLowerCase() === 'auto' || text === also ? 'auto' : kind.parse(text)),
  };
}

const BYTES_PER_SUFFIX: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** A count of bytes, plain or with a suffix whose step is 1024. */
export function byteSize(min: number, max: number): Kind<number> {
  return {
    rule: `a whole number of bytes from ${min} to ${max}, plain or with the suffix kb, mb or gb (steps of 1024)`,
    parse: (text) => {
      const [, digits, suffix] = /^(0|[1-9]\d*)(kb|mb|gb)?$/i.exec(text) ?? [];
      const value =
        Number(digits) * (suffix === undefined ? 1 : (BYTES_PER_SUFFIX[suffix.toLowerCase()] ?? NaN));
      return value >= min && value <= max ? value : undefined;
    },
  };
}

const FLAGS = new Map(
  Object.entries({
    true: true,
    yes: true,
    on: true,
    '1': true,
    false: false,
    no: false,
    off: false,
    '0': false,
  }),
);

export const flag: Kind<boolean> = {
  rule: 'true or false (or yes, no, on, off, 1, 0)',
  parse: (text) => FLAGS.get(text.toLowerCase()),
};

/** One of the names in any case; `aliases` are other spellings of some of them, in lower case. */
export function oneOf<const T extends string>(
  names: readonly T[],
  aliases: Readonly<Record<string, T>> = {},
): Kind<T> {
  const values = new Map<string, T>([
    ...names.map((name): [string, T] => [name.toLowerCase(), name]),
    ...Object.entries(aliases),
  ]);
  return {
    rule: `one of ${[...names, ...Object.keys(aliases)].join(', ')}`,
    parse: (text) => values.get(text.toLowerCase()),
  };
}

/** A share in plain decimal digits. */
export const ratio: Kind<number> = {
  rule: 'a number from 0 to 1',
  parse: (text) => (/^(?:0(?:\.\d{1,12})?|1(?:\.0{1,12})?)$/.test(text) ? Number(text) : undefined),
};

/** `name=value` pairs as OpenTelemetry has them in a variable, of which `pairsOf` makes their values. */
export const pairs: Kind<string> = {
  rule: 'pairs such as name=value,other=value, without names twice, and with %XX for what else a value may not hold',
  parse: (text) => (readPairs(text) === undefined ? undefined : text),
};

/** What pairs say. @param text that kept the rule */
export function pairsOf(text: string): Readonly<Record<string, string>> {
  return readPairs(text) ?? {};
}

const PAIR = /^([\w!#$&'*+.^`|~-]+)\s*=\s*([^\s,;"\\](?:[^,;"\\\p{Cc}]*[^\s,;"\\])?)?$/u;

function readPairs(text: string): Record<string, string> | undefined {
  const values = new Map<string, string>();
  for (const part of text === '' ? [] : text.split(',')) {
    const [, name, value = ''] = PAIR.exec(part.trim()) ?? [];
    if (name === undefined || values.has(name)) return undefined;
    try {
      values.set(name, decodeURIComponent(value));
    } catch {
      return undefined;
    }
  }
  return Object.fromEntries(values);
}

/** Text for people, on one line. */
export function line(maxLength: number): Kind<string> {
  return {
    rule: `one line of at most ${maxLength} characters`,
    parse: (text) => (text.length <= maxLength && !/\p{Cc}/u.test(text) ? text : undefined),
  };
}

/** A folder, made absolute from the working directory. */
export const folder: Kind<string> = { rule: 'the path of a folder', parse: (text) => resolve(text) };

/** A file, made absolute from the working directory. */
export const file: Kind<string> = { rule: 'the path of a file', parse: (text) => resolve(text) };

/** A key that goes in a header as it is. */
export const apiKey: Kind<string> = {
  rule: 'a key of 32 to 512 characters, without spaces and letters beyond ASCII',
  parse: (text) => (/^[!-~]{32,512}$/.test(text) ? text : undefined),
};

/** Taken byte for byte. */
export const secret: Kind<string> = { rule: 'a secret', parse: (text) => text, verbatim: true };

/** `a,b` or `["a","b"]`, without repeats; empty is the empty list. `rule` covers the items as well. */
export function list<T>(item: Kind<T>, rule: string): Kind<readonly T[]> {
  return {
    rule: `${rule}, as a comma-separated list or a JSON array`,
    empty: [],
    parse: (text) => {
      const values = itemsOf(text)?.map((part) => (part === '' ? undefined : item.parse(part)));
      return values?.every((value) => value !== undefined) ? [...new Set(values)] : undefined;
    },
  };
}

function itemsOf(text: string): string[] | undefined {
  if (!text.startsWith('[')) return text.split(',').map((part) => part.trim());
  try {
    const parts: unknown = JSON.parse(text);
    if (!Array.isArray(parts) || !parts.every((part) => typeof part === 'string')) return undefined;
    return parts.map((part) => part.trim());
  } catch {
    return undefined;
  }
}

/** A URL of one of the schemes, kept as it was written. */
export function url(...schemes: string[]): Kind<string> {
  return {
    rule: `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    parse: (text) => {
      const parts = urlOf(text);
      return parts?.hostname && schemes.includes(parts.protocol.slice(0, -1)) ? text : undefined;
    },
  };
}

const anyRedisUrl = url('redis', 'rediss');

export const redisUrl: Kind<string> = {
  rule: `${anyRedisUrl.rule}, whose path, if there is one, is the number of a database`,
  parse: (text) => (/^(\/\d*)?$/.test(urlOf(text)?.pathname ?? '') ? anyRedisUrl.parse(text) : undefined),
};

/** What stands before keys: letters that mean nothing in a pattern of Redis. */
export const cacheNamespace: Kind<string> = {
  rule: 'a word of at most 64 letters, digits and _.-',
  parse: (text) => (/^[\w.-]{1,64}$/.test(text) ? text : undefined),
};

/** `*`, or an origin in the form in which browsers send it: lower case, without the scheme's own port. */
export const origin: Kind<string> = {
  rule: 'an origin such as https://app.example.com:8443, or *',
  parse: (text) => {
    if (text === '*') return text;
    if (!/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@\\*]+$/i.test(text)) return undefined;
    const parts = urlOf(text);
    return parts?.host ? `${parts.protocol}//${parts.host}`.toLowerCase() : undefined;
  },
};

function urlOf(text: string): URL | undefined {
  // The parser drops tabs and line ends; whoever reads the text next may not.
  return !/\s/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

const HOST_NAME = /^(?=.{1,253}$)[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/i;

export const host: Kind<string> = {
  rule: 'an IP address or a host name',
  parse: (text) => (isIP(text) !== 0 || HOST_NAME.test(text) ? text : undefined),
};

/** A host as it stands in a `Host` header, without its port: in lower case, and an IPv6 address in brackets. */
export const hostName: Kind<string> = {
  rule: host.rule,
  parse: (text) => {
    const name = host.parse(text)?.toLowerCase();
    return name?.includes(':') ? `[${name}]` : name;
  },
};

/** `*`, a host, one with a port, or `*.` before a domain for all hosts in it; in lower case. */
export const remoteHost: Kind<string> = {
  rule: 'a host such as gpu-1, gpu-1:8000 or *.gpu.example, or *',
  parse: (text) => {
    const [, name, port] = /^(\*|(?:\*\.)?[\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i.exec(text) ?? [];
    const bare = name?.replace(/^\*\./, '').replace(/^\[|\]$/g, '');
    const sane = name === '*' ? port === undefined : bare !== undefined && host.parse(bare) !== undefined;
    return sane && Number(port ?? 1) <= 65_535 ? text.toLowerCase() : undefined;
  },
};

const MOST_PROXIES = 32;

/** A number of proxies, or the networks that they are in. */
export const trustedProxies: Kind<number | readonly string[]> = {
  rule: `a number of proxies from 0 to ${MOST_PROXIES}, or addresses and networks such as 10.0.0.0/8, as a comma-separated list or a JSON array`,
  parse: (text) => wholeNumber(0, MOST_PROXIES).parse(text) ?? list(network, '').parse(text),
};

const network: Kind<string> = {
  rule: 'an IP address or a network such as 10.0.0.0/8',
  parse: (text) => {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const most = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
    return Number(bits ?? 0) <= most ? text : undefined;
  },
};

export const variableName: Kind<string> = {
  rule: 'the name of an environment variable',
  parse: (text) => (/^[A-Za-z_]\w{0,127}$/.test(text) ? text : undefined),
};

/** A model's name as far as its letters go; `models/model-name.ts` has the last word. */
export const modelName: Kind<string> = {
  rule: 'the name of a model',
  parse: (text) => (/^\w[\w.-]{0,127}$/.test(text) ? text : undefined),
};

const FIXED_PATHS = ['v2', 'docs', 'docs-json', 'metrics'];

/** A prefix of paths: `/api`, or the empty text for the root. */
export const pathPrefix: Kind<string> = {
  rule: `/ or a path such as /api, of letters, digits and -._~, that does not begin with ${FIXED_PATHS.map((path) => `/${path}`).join(', ')}`,
  parse: (text) => {
    const path = text.replace(/\/$/, '');
    const segments = path.split('/').slice(1);
    const sane =
      (path === '' || path.startsWith('/')) && segments.every((part) => /^[\w~-][\w.~-]*$/.test(part));
    return sane && !FIXED_PATHS.includes(segments[0] ?? '') ? path : undefined;
  },
};
