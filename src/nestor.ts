import type { INestApplicationContext } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from './config/slices';
import type { RequestOptions as DeclaredOptions } from './processing/options';
import { ModelsHealthIndicator } from './models/models.health';
import { ModelsService } from './models/models.service';
import { describeModel, describeServed, type ModelDescription } from './protocols/native/model-description';
import type { InferenceCall } from './inference/inference-call';
import { InferenceService } from './inference/inference.service';
import { type InferOptions, type LocalAnswer, localCall } from './inference/local-call';
import type { LocalTensor } from './inference/local-values';

/** The types of models that `nestor types` prints; `declared` are those of `input:` and `output:` in a `model.yaml`. */
export type AnyModels = Record<string, { inputs: Record<string, unknown>; outputs: Record<string, unknown> }>;

type Part<Typed, Side extends string> = Typed extends Record<Side, infer Wanted> ? Wanted : never;
type PartOf<Models, Name, Side extends string> = Name extends keyof Models ? Part<Models[Name], Side> : never;
export type InputsOf<Models, Name> = PartOf<Models, Name, 'inputs'>;
export type OutputsOf<Models, Name> = PartOf<Models, Name, 'outputs'>;
export type TensorsOf<Values> = { [Name in keyof Values]: LocalTensor };
/** One picture, text or row each. */
export type DeclaredInputsOf<Models, Name> = Part<PartOf<Models, Name, 'declared'>, 'inputs'>;
export type DeclaredOutputsOf<Models, Name> = Part<PartOf<Models, Name, 'declared'>, 'outputs'>;
/** A list in place of each; rows may come as CSV as well. */
export type ManyOf<Inputs> = { readonly [Name in keyof Inputs]: readonly Inputs[Name][] | Uint8Array };
export type ListsOf<Outputs> = { [Name in keyof Outputs]: Outputs[Name][] };

/** One model of a `Nestor`. */
export interface Model<Inputs = Record<string, unknown>, Outputs = Record<string, unknown>> {
  readonly name: string;
  infer(inputs: Inputs, options?: InferOptions): Promise<LocalAnswer<Outputs>>;
}

/** A server of models as a part of somebody's application: in its process, without a port. */
export class Nestor<Models extends object = AnyModels> {
  /**
   * Answers requests, for any server of Node: `http.createServer(nestor.handler)`, or Express' `app.use('/ml',
   * nestor.handler)`, before whatever reads bodies. With a third argument, what is not there goes on to the next one.
   */
  readonly handler: (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;
  private readonly app: INestApplicationContext;
  private readonly inference: InferenceService;
  private readonly longestMs: number;
  private closing: Promise<void> | undefined;

  /**
   * `createNestor` makes them.
   * @internal
   */
  constructor(
    app: INestApplicationContext,
    handler: Nestor['handler'],
    settings: Settings,
    /** The last thing that is done, where there is a log. */
    private readonly closeLog: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.app = app;
    this.handler = handler;
    this.inference = app.get(InferenceService);
    this.longestMs = settings.inference.deadlineMs;
  }

  /**
   * Runs a model without HTTP.
   * @param inputs the model's own: nested arrays, or typed arrays with their shapes: `{features: {data: new
   *   Float32Array(4), shape: [1, 4]}}`; or the declared ones, as a call of the native API has them, and bytes for
   *   pictures: `{image: await readFile('cat.jpg'), top_k: 3}`
   * @returns outputs in the form of the inputs: nested arrays, typed arrays where an input was one, or the declared
   *   ones, a list of them where the inputs were lists
   * @throws DomainError with the code that a client would get
   */
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: InputsOf<Models, Name>,
    options?: InferOptions,
  ): Promise<LocalAnswer<OutputsOf<Models, Name>>>;
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: TensorsOf<InputsOf<Models, Name>>,
    options?: InferOptions,
  ): Promise<LocalAnswer<TensorsOf<OutputsOf<Models, Name>>>>;
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: DeclaredInputsOf<Models, Name> & DeclaredOptions,
    options?: InferOptions,
  ): Promise<LocalAnswer<DeclaredOutputsOf<Models, Name>>>;
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: ManyOf<DeclaredInputsOf<Models, Name>> & DeclaredOptions,
    options?: InferOptions,
  ): Promise<LocalAnswer<ListsOf<DeclaredOutputsOf<Models, Name>>>>;
  async infer(model: string, inputs: unknown, options: InferOptions = {}): Promise<LocalAnswer<never>> {
    return (await this.ask(localCall(model, inputs, options, this.longestMs))) as LocalAnswer<never>;
  }

  /** @internal */
  ask<Answer>(call: InferenceCall<Answer>): Promise<Answer> {
    return this.inference.infer(call);
  }

  /** Do all required models serve, or at least one where none is required? For the application's own readiness. */
  get ready(): boolean {
    return this.closing === undefined && this.app.get(ModelsHealthIndicator).condition().ready;
  }

  /** All models of the folder: whether they serve, what they take and give, and why not where they do not. */
  async models(): Promise<ModelDescription[]> {
    const models = await this.app.get(ModelsService).list();
    return models.map((model) => {
      const served = model.version(undefined)?.served;
      return served === undefined ? describeModel(model) : describeServed(model, served);
    });
  }

  /** One model, to be handed to who needs no other. */
  model<Name extends keyof Models & string>(
    name: Name,
  ): Model<InputsOf<Models, Name>, OutputsOf<Models, Name>> {
    return { name, infer: (inputs, options) => this.infer(name, inputs, options) };
  }

  /** Lets what runs finish, and unloads. May be called again. */
  close(): Promise<void> {
    return (this.closing ??= this.app.close().then(() => this.closeLog()));
  }
}
