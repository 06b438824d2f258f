import { Environment } from './environment';
import { ConfigurationError } from './configuration-error';
import type { EnvironmentText } from './settings';
import { variableNames } from './variable';

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<Name>;
/** What may be given for a setting: its value, or the text that the environment would have. */
type Given<Value> = Value extends readonly string[] ? Value | string : Value | string;

/** Every setting under its name in camel case, such as `modelDir` for MODEL_DIR. See `.env.example`. */
export type NestorOptions = {
  readonly [Name in keyof Environment as Camel<Name>]?: Given<NonNullable<Environment[Name]>>;
};

/**
 * The options as the environment would have them, so that one parser and one set of rules is all there is.
 * @param spelling how a caller writes a setting's name
 * @throws ConfigurationError for what is no setting, or no text, number, flag or list of texts
 * @internal
 */
export function toEnvironment(
  options: object,
  spelling: (setting: string) => string = camelCase,
): EnvironmentText {
  const settingOf = new Map(variableNames(Environment).map((name) => [spelling(name), name]));
  const env: Record<string, string> = {};
  const faults: string[] = [];
  for (const [option, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined) continue;
    const setting = settingOf.get(option);
    const text = textOf(value);
    if (setting === undefined) faults.push(`${option.slice(0, 100)} is no option`);
    else if (text === undefined) faults.push(`${option} must be a text, a number, a flag or a list of texts`);
    else env[setting] = text;
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return env;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isList ? JSON.stringify(value) : undefined;
}

/** `MODEL_DIR` -> `modelDir` */
function camelCase(setting: string): string {
  return setting.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * `MODEL_DIR` -> `model-dir`, as a flag of the command line.
 * @internal
 */
export function kebabCase(setting: string): string {
  return setting.toLowerCase().replaceAll('_', '-');
}
