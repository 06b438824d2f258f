import type { DeclaredType } from '../declared-type';
import type { RawInput } from '../raw-input';

/** A `type:` of `input:` in `model.yaml`: its keys, and how requests bring it. */
export interface RawInputType<Plan> extends DeclaredType<Plan> {
  /** Content types of a whole body, or of a part of a form, which is one such input: `image/*`, `text/csv`. */
  readonly contentTypes: readonly string[];
  /** Keys under which a JSON body may have it as well, where the model declares this one input. */
  readonly bodyKeys?: readonly string[];
  /**
   * The raw input in a value of a JSON body.
   * @throws invalid_request, and what the type has codes for, naming the input and the place in it
   */
  fromJson(name: string, value: unknown, plan: Plan): RawInput;
  /**
   * One piece in bytes that came by themselves: a whole body, or a part of a form.
   * @param contentType one of `contentTypes`, with its parameters; of a part of a form any; undefined where the client said none
   */
  fromBytes(name: string, bytes: Uint8Array, contentType: string | undefined, plan: Plan): RawInput;
}
