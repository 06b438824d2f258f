import { readArguments } from '../arguments';
import { UsageError } from '../command';
import { type Form, FORMS } from './forms/choose';
import { type Limit, readLimits } from './limits';

const MOST_SECONDS = 36_000;

/** What a call of `nestor optimize` asks for. */
export interface Asked {
  readonly given: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly samples: string | undefined;
  readonly form: Form | undefined;
  readonly int8: boolean;
  readonly sizeOnly: boolean;
  readonly minAccuracy: number;
  readonly limits: readonly Limit[];
  readonly maxSeconds: number;
  readonly json: boolean;
}

/** @throws UsageError */
export function readAsked(args: readonly string[]): Asked {
  const { values, positionals } = readArguments(args, {
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      version: { type: 'string' },
      samples: { type: 'string' },
      form: { type: 'string' },
      int8: { type: 'boolean', default: false },
      'size-only': { type: 'boolean', default: false },
      'min-accuracy': { type: 'string', default: '0.995' },
      require: { type: 'string', default: '' },
      'max-seconds': { type: 'string', default: '120' },
      json: { type: 'boolean', default: false },
    },
  });
  const [given, ...more] = positionals;
  if (given === undefined || more.length > 0) throw new UsageError('`nestor optimize` takes one model.');
  const form = FORMS.find((one) => one === values.form);
  if (values.form !== undefined && form === undefined)
    throw new UsageError(`--form must be one of ${FORMS.join(', ')}, and is ${values.form.slice(0, 40)}.`);
  if ([form !== undefined, values.int8, values['size-only']].filter(Boolean).length > 1)
    throw new UsageError('Of --int8, --size-only and --form one alone is taken.');
  return {
    given,
    name: values.model,
    version: values.version,
    samples: values.samples,
    form,
    int8: values.int8,
    sizeOnly: values['size-only'],
    minAccuracy: numberIn('--min-accuracy', values['min-accuracy'], 1),
    limits: readLimits(values.require),
    maxSeconds: numberIn('--max-seconds', values['max-seconds'], MOST_SECONDS),
    json: values.json,
  };
}

function numberIn(option: string, text: string, most: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (value > 0 && value <= most) return value;
  throw new UsageError(`${option} must be a number above 0, at most ${most}; got "${text.slice(0, 40)}".`);
}
