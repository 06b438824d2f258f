import type { Accuracy } from './accuracy';

/** A form with some operators left as they are, in a file. */
export interface Variant<Made> {
  readonly made: Made;
  readonly left: readonly string[];
  readonly accuracy: Accuracy;
}

export interface SearchJob<Made> {
  /** The operators that may be left as they are. */
  readonly names: readonly string[];
  /** Makes the form with these left. Several, where there are ways to do so. */
  readonly make: (left: readonly string[]) => Promise<readonly Made[]>;
  readonly measure: (made: Made) => Promise<Accuracy>;
  /** Called with what is not wanted any more. */
  readonly drop: (made: Made) => Promise<void>;
  /** The mean cosine that is wanted. */
  readonly wanted: number;
  /** Is there time for more? */
  readonly mayGoOn: () => boolean;
  readonly tell: (words: string) => void;
}

/** How many of the worst are left. */
const LEFT = [1, 2, 4, 8, 12, 16, 24];
/** The rows that are judged by later are others: a little more than is wanted has to be there. */
const RESERVE = 0.1;

/**
 * Looks for the form that reaches an accuracy with the fewest operators left as they are: finds how much each of them, alone
 * in eight bits, is off, and leaves the worst one, two, four and so on. What comes of several is measured each time: it does
 * not follow from what comes of one.
 */
export async function search<Made>(job: SearchJob<Made>): Promise<Variant<Made>> {
  const { names, wanted, mayGoOn, tell, drop } = job;
  const enough = ({ accuracy }: Variant<Made>): boolean => accuracy.cos >= wanted + RESERVE * (1 - wanted);
  let best = await bestOf(job, []);
  if (enough(best) || names.length < 2) return best;
  const harm: { readonly name: string; readonly cos: number }[] = [];
  for (const [i, name] of names.entries()) {
    if (!mayGoOn()) break;
    tell(`what eight bits cost: ${i + 1} of ${names.length}, ${name}`);
    const { accuracy, made } = await bestOf(
      job,
      names.filter((other) => other !== name),
    );
    await drop(made);
    harm.push({ name, cos: accuracy.cos });
  }
  harm.sort((one, other) => one.cos - other.cos);
  for (const count of LEFT.filter((each) => each < names.length)) {
    if (!mayGoOn() || count > harm.length) break;
    tell(`without the worst ${count}`);
    const worst = harm.slice(0, count).map(({ name }) => name);
    best = await better(job, best, await bestOf(job, worst));
    if (enough(best)) break;
  }
  return best;
}

async function bestOf<Made>(job: SearchJob<Made>, left: readonly string[]): Promise<Variant<Made>> {
  let best: Variant<Made> | undefined;
  for (const made of await job.make(left)) {
    const variant = { made, left, accuracy: await job.measure(made) };
    best = best === undefined ? variant : await better(job, best, variant);
  }
  return best!;
}

async function better<Made>(
  { drop }: SearchJob<Made>,
  one: Variant<Made>,
  other: Variant<Made>,
): Promise<Variant<Made>> {
  const [best, worse] = other.accuracy.cos > one.accuracy.cos ? [other, one] : [one, other];
  await drop(worse.made);
  return best;
}
