/** What a credential may allow, besides `infer:<glob>`. */
export const SCOPES = [
  'infer',
  'models:read',
  'models:write',
  'cache:write',
  'metrics:read',
  'admin',
] as const;

export type Scope = (typeof SCOPES)[number];

const INFER_SOME = /^infer:[\w.*-]{1,128}$/;

/** Is this text a scope: one of the words, or `infer:` and the name of a model in which `*` stands for anything? */
export function isScope(text: string): boolean {
  return (SCOPES as readonly string[]).includes(text) || INFER_SOME.test(text);
}

/** What the scopes of one credential allow. */
export class Grants {
  readonly scopes: readonly string[];
  private readonly words: ReadonlySet<string>;
  private readonly globs: readonly string[];

  /** @param scopes what is none of this server's scopes allows nothing: a token may carry others' */
  constructor(scopes: readonly string[]) {
    this.scopes = [...new Set(scopes.filter(isScope))];
    this.words = new Set(this.scopes);
    this.globs = this.scopes.filter((scope) => scope.startsWith('infer:')).map((scope) => scope.slice(6));
  }

  has(scope: Scope): boolean {
    return this.words.has(scope) || this.words.has('admin');
  }

  mayInfer(model: string): boolean {
    return this.has('infer') || this.globs.some((glob) => matchesGlob(glob, model));
  }

  /** Is there any model that it may run? */
  get mayInferSome(): boolean {
    return this.has('infer') || this.globs.length > 0;
  }

  /** Whoever may call a model may know what it takes. */
  maySee(model: string): boolean {
    return this.has('models:read') || this.mayInfer(model);
  }

  /** May it ask for lists of models, in which it then finds those that it may see? */
  get maySeeSome(): boolean {
    return this.has('models:read') || this.mayInferSome;
  }

  /** Do these allow all that `scope` allows, so that they can be narrowed to it? */
  cover(scope: string): boolean {
    if (this.words.has(scope) || this.words.has('admin')) return true;
    if (!scope.startsWith('infer:')) return false;
    const model = scope.slice(6);
    return this.words.has('infer') || (!model.includes('*') && this.mayInfer(model));
  }
}

/** Does `text` match `glob`, in which `*` stands for any characters or none? Takes no longer than the two are long, multiplied. */
export function matchesGlob(glob: string, text: string): boolean {
  let g = 0;
  let t = 0;
  /** Where to go on when what follows the last `*` does not match: it then stands for one character more. */
  let starG = -1;
  let starT = 0;
  while (t < text.length) {
    if (glob[g] === '*') {
      starG = g++;
      starT = t;
    } else if (g < glob.length && glob[g] === text[t]) {
      g++;
      t++;
    } else if (starG >= 0) {
      g = starG + 1;
      t = ++starT;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
