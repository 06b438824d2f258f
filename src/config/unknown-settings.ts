import { nearest } from '../common/nearest';
import { dotEnvFaults } from './dotenv-lines';
import { settingNames } from './secret-from-environment';
import { type EnvironmentText, readDotEnv, readDotEnvText, settings } from './settings';

/** Settings that there were once. */
const RETIRED = ['CPU_AFFINITY', 'REHEARSAL'];
/** What else a `.env` may well have: variables of Node, of what it loads, and of the system. */
const OF_OTHERS =
  /^(?:AWS|GOOGLE|HF|NODE|NPM|UV|ORT|OTEL|OMP|LC|LD|MALLOC)_|^(?:TZ|LANG|PATH|HOME|USER|TMPDIR|LOCPATH|NO_COLOR|FORCE_COLOR|HTTPS?_PROXY|NO_PROXY)$/;
/** OpenSSL's, and no mistyped TLS_CERT_FILE. */
const OF_OPENSSL = 'SSL_CERT_FILE';
/** A line for each, but not hundreds. */
const MOST_LINES = 50;

/**
 * Names that were probably meant for this server and say nothing to it: all in `.env` that it does not know, and of the
 * environment, which has other programs' variables in it, near misses and settings that went. Names alone, no values.
 * @param file what `.env` has
 * @param given what the process was given
 * @param secretNames variables that `model.yaml` may name
 * @returns a sentence for each
 */
export function unknownSettings(
  file: EnvironmentText,
  given: EnvironmentText,
  secretNames: readonly string[],
): string[] {
  const known = new Set([...settingNames(), ...secretNames]);
  const names = [...known];
  const lines: string[] = [];
  for (const name of new Set([...Object.keys(file), ...Object.keys(given)])) {
    if (known.has(name)) continue;
    const where = name in given ? 'the environment' : '.env';
    const shown = name.slice(0, 64);
    const meant = nearest(name, names);
    if (RETIRED.includes(name)) lines.push(`${shown} in ${where} is unknown: this setting has gone`);
    // A variable whose like is set as well is another program's.
    else if (meant !== undefined && !(name in given && (meant in given || name === OF_OPENSSL))) {
      lines.push(`${shown} in ${where} is unknown: did you mean ${meant}?`);
    } else if (!(name in given) && !OF_OTHERS.test(name)) {
      lines.push(`${shown} in .env is unknown, and does nothing`);
    }
  }
  return lines.slice(0, MOST_LINES);
}

/** The same of this process, and what else is wrong with its `.env`. */
export function unknownSettingsHere(): string[] {
  return [
    ...dotEnvFaults(readDotEnvText()),
    ...unknownSettings(readDotEnv(), process.env, settings().remote.secretNames),
  ];
}
