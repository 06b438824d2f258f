import type { Kind } from './kinds';

/** Stands in a variable whose text broke its rule. Not `undefined`: that is a variable left out. */
const INVALID = Symbol('invalid');

interface Rule {
  readonly name: string;
  /** As it follows "NAME must be". */
  readonly words: string;
  readonly holds: (variables: object) => boolean;
}

/** What a class has declared. */
interface Declared {
  /** From the text of a variable, by its name. */
  readonly readers: Map<string, (text: string) => unknown>;
  readonly rules: Rule[];
}

const declarations = new Map<object, Declared>();

function declaredBy(environment: object): Declared {
  const known = declarations.get(environment) ?? { readers: new Map(), rules: [] };
  declarations.set(environment, known);
  return known;
}

/**
 * Makes a property an environment variable of the same name. The property's initial value is its default:
 * a variable that is left out, or empty where empty has no meaning of its own, keeps it.
 */
export function Variable<T>(kind: Kind<T>) {
  const read = (given: string): T | typeof INVALID | undefined => {
    const text = kind.verbatim === true ? given : given.trim();
    return text === '' ? kind.empty : (kind.parse(text) ?? INVALID);
  };
  // The type of `name` refuses a kind whose values the property cannot hold.
  return <Name extends string, Target extends { [N in Name]?: unknown }>(
    target: Target,
    name: [T] extends [Target[Name]] ? Name : never,
  ): void => {
    const { readers, rules } = declaredBy(target.constructor);
    readers.set(name, read);
    const holds = (variables: object): boolean => (variables as Target)[name as Name] !== INVALID;
    rules.push({ name, words: kind.rule, holds });
  };
}

/**
 * A rule that a variable keeps together with `others`. It rests while one of them breaks its own rule, so
 * that one mistake is one fault.
 */
export function Together<Variables extends object>(
  words: string,
  holds: (variables: Variables) => boolean,
  others: readonly (keyof Variables & string)[],
) {
  return (target: Variables, name: keyof Variables & string): void => {
    declaredBy(target.constructor).rules.push({
      name,
      words,
      holds(object) {
        const variables = object as Variables;
        return [name, ...others].some((each) => variables[each] === INVALID) || holds(variables);
      },
    });
  };
}

/** The names of the variables that a class declares, in their order. */
export function variableNames(environment: new () => object): readonly string[] {
  return [...declaredBy(environment).readers.keys()];
}

/** The variables that a class declares, from their texts, and a sentence for each rule that one of them breaks. */
export function readVariables<Variables extends object>(
  environment: new () => Variables,
  texts: Readonly<Record<string, string | undefined>>,
): { readonly variables: Variables; readonly faults: readonly string[] } {
  const { readers, rules } = declaredBy(environment);
  const variables = new environment();
  for (const [name, read] of readers) {
    const text = texts[name];
    const value = text === undefined ? undefined : read(text);
    if (value !== undefined) Object.assign(variables, { [name]: value });
  }
  const faults = rules
    .filter(({ holds }) => !holds(variables))
    .map(({ name, words }) => `${name} must be ${words}`);
  return { variables, faults };
}
