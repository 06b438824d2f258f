import { getMetadataStorage } from './class-validator';
import { Environment } from './environment';
import { type EnvironmentText, readEnvironment, settings } from './settings';

let environment: EnvironmentText | undefined;

/**
 * The value of a variable that a file names instead of a secret itself; undefined when it is not set, or empty.
 * As with the settings, later changes of the environment change nothing.
 */
export function secretFromEnvironment(name: string): string | undefined {
  environment ??= readEnvironment();
  return environment[name] || undefined;
}

/** May files name this variable? Whoever writes them may not be meant to see everything that the process was given. */
export function isSecretName(name: string): boolean {
  return settings().remote.secretNames.includes(name);
}

/** Is this the name of one of this server's own settings? Those are not to be sent anywhere. */
export function isSettingName(name: string): boolean {
  return settingNames().has(name);
}

/** The names of all settings. */
export function settingNames(): ReadonlySet<string> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(Environment, '', true, false);
  return new Set(rules.map(({ propertyName }) => propertyName));
}
