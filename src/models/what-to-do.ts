/** Why a model does not serve, for people. */
export interface Explained {
  /** In one sentence. */
  readonly text: string;
  /** What to do about it; undefined where nobody knows. */
  readonly hint: string | undefined;
  /** All that was said, where that is more. */
  readonly detail: string | undefined;
}

const MOST_TEXT = 160;
/** `Model "m" version 1 cannot be served: ...`, where it is clear which one is meant. */
const SUBJECT = /^Model "[^"]*"(?: version \d+)? (?:cannot be served|stays as it is): /;
const RUNTIME_PREFIX = /^(?:Load model from \S+ failed:\s*)+/;

/** What a reason looks like, what to do about it, and what it means where its own words do not say so. */
type Advice = readonly [sign: RegExp, hint: string, meaning?: string];

const ADVICE: readonly Advice[] = [
  // What somebody or something did on purpose.
  [/was unloaded|^it is not loaded$/i, 'Load it to serve it again.'],
  [/is set aside|workers died/i, 'Put the version before it back, or load it again to give it another try.'],
  [
    /is left alone since a worker died/i,
    'Try it by itself with `nestor check`; put another version in its place, or load it again.',
  ],
  [/workers? died|it died while it loaded/i, 'Try it by itself with `nestor check`, and look at its memory.'],
  // What is in the folder.
  [
    /configuration of model .* has faults|declaration has faults/i,
    'Mend model.yaml as it says, then load the model again; `nestor check` shows all faults at once.',
  ],
  [
    /golden case \d+ fails/i,
    'The model answers otherwise than model.yaml expects: put the right version there, or correct `golden`.',
  ],
  [/a sample's input|the sample's "/i, 'Correct `example`, `warmup` or `golden` in model.yaml.'],
  [
    /external data /i,
    'Copy the data files that belong to the model into the folder of its .onnx file, under the names that it has for them.',
  ],
  [
    /protobuf parsing failed|cut off|no ONNX model|is empty|invalid protobuf/i,
    'Copy the file again, or export it again: it is cut off, or no ONNX model.',
    'the file is no whole ONNX model',
  ],
  [
    /which its declaration names, is not there|tokenizer cannot be read/i,
    'Put that file into the folder of the model, or take its name out of model.yaml.',
  ],
  [
    /is not in the model folder|has no usable version|no version .* in the model folder/i,
    'Put its file into the model folder: NAME/1/model.onnx, or NAME.onnx.',
  ],
  [/symbolic link that leaves/i, 'Copy the file into the model folder: links out of it are not followed.'],
  [/EACCES|permission/i, 'Let the user that the server runs as read the file.'],
  [/changed while it was loaded|has other files or settings/i, 'Load it again once its files stand still.'],
  // What the runtime cannot do.
  [
    /opset \d+ is under development|(?:unsupported|max supported) (?:model )?(?:IR|opset)|IR version/i,
    'Export it again for an earlier opset (opset_version=17), or take a newer Nestor.',
    'it was made for a newer ONNX than this runtime knows',
  ],
  [
    /could not find an implementation|not implemented|no kernel/i,
    'Export it again in FP32, or with other operators: the CPU has none for this one.',
  ],
  [
    /is not a registered function\/op|no schema registered|no op registered|not a registered/i,
    'Export it again with standard operators: it has one that comes with a library of its own.',
  ],
  [
    /sequence|a map|SparseTensor|optional type/i,
    'Export it again so that it gives tensors alone, each as an output of its own; for scikit-learn: to_onnx(…, options={"zipmap": False}).',
  ],
  [/bfloat16|float8|int4\b/i, 'Export it again in FP32 or FP16.'],
  [
    /failed to construct locale|locale/i,
    'Install the locale en_US.UTF-8 on this machine, or export with options={TfidfVectorizer: {"locale": "C"}}.',
    'this system has no locale en_US.UTF-8',
  ],
  // What the machine and its settings allow.
  [
    /bad_alloc|out of memory|failed to allocate|not enough memory/i,
    'Give the server more memory, or load fewer models at a time (MAX_RESIDENT_MODELS, instances).',
  ],
  [/load and warm up/i, 'Give it more time (MODEL_LOAD_TIMEOUT_MS), or find out why it takes so long.'],
  [
    /there is no room for model/i,
    'Raise MAX_RESIDENT_MODELS or MAX_MODELS_MEMORY, or unload another model first.',
  ],
  [
    /its remotes|remote cannot be|does not answer|ECONNREFUSED|ENOTFOUND|circuit|upstream/i,
    'See whether the servers in its `urls` run and can be reached from here; it comes back by itself.',
  ],
];

/** The reason of a state, taken apart: what it means, what to do, and what was said. */
export function explain(reason: string): Explained {
  const said = reason.replace(SUBJECT, '').trim();
  const [, hint, meaning] = ADVICE.find(([sign]) => sign.test(said)) ?? [];
  const plain = meaning ?? shortened(said.replace(RUNTIME_PREFIX, ''));
  return { text: plain, hint, detail: plain === said ? undefined : said };
}

/** What to do about a reason; undefined where nobody knows. */
export function whatToDo(reason: string): string | undefined {
  return explain(reason).hint;
}

function shortened(text: string): string {
  if (text.length <= MOST_TEXT) return text;
  const end = text.lastIndexOf(' ', MOST_TEXT);
  return `${text.slice(0, end > MOST_TEXT / 2 ? end : MOST_TEXT)} …`;
}
