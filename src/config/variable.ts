import { Expose, Transform } from 'class-transformer';
import { ValidateBy } from './class-validator';
import type { Kind } from './kinds';

/** Stands in a variable whose text broke its rule. Not `undefined`: that is a variable left out. */
const INVALID = Symbol('invalid');

/**
 * Makes a property an environment variable of the same name. The property's initial value is its default:
 * a variable that is left out, or empty where empty has no meaning of its own, keeps it.
 */
export function Variable<T>(kind: Kind<T>) {
  const read = (value: unknown): T | typeof INVALID | undefined => {
    if (typeof value !== 'string') return undefined;
    const text = kind.verbatim === true ? value : value.trim();
    return text === '' ? kind.empty : (kind.parse(text) ?? INVALID);
  };
  // The type of `name` refuses a kind whose values the property cannot hold.
  return <Name extends string, Target extends { [N in Name]?: unknown }>(
    target: Target,
    name: [T] extends [Target[Name]] ? Name : never,
  ): void => {
    Expose()(target, name);
    Transform(({ value }) => read(value))(target, name);
    addRule(kind.rule, (value) => value !== INVALID)(target, name);
    const names = variables.get(target.constructor) ?? [];
    variables.set(target.constructor, [...names, name]);
  };
}

const variables = new Map<object, readonly string[]>();

/** The names of the variables that a class declares, in their order. */
export function variableNames(environment: new () => object): readonly string[] {
  return variables.get(environment) ?? [];
}

/**
 * A rule that a variable keeps together with `others`. It rests while one of them breaks its own rule, so
 * that one mistake is one fault.
 */
export function Together<Variables extends object>(
  rule: string,
  holds: (variables: Variables) => boolean,
  others: readonly (keyof Variables & string)[],
): PropertyDecorator {
  return addRule(rule, (value, object) => {
    const variables = object as Variables;
    const atFault = value === INVALID || others.some((other) => variables[other] === INVALID);
    return atFault || holds(variables);
  });
}

function addRule(rule: string, holds: (value: unknown, object: object) => boolean): PropertyDecorator {
  return ValidateBy(
    { name: rule, validator: { validate: (value, args) => holds(value, args?.object ?? {}) } },
    { message: `$property must be ${rule}` },
  );
}
