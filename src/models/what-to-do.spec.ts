import { explain, whatToDo } from './what-to-do';

describe('why a model does not serve', () => {
  it('loses its subject and the runtime’s prefix, and says at once what it means', () => {
    const said = 'Load model from model.onnx failed:Protobuf parsing failed.';
    expect(explain(`Model "m" version 3 cannot be served: ${said}`)).toEqual({
      text: 'the file is no whole ONNX model',
      hint: expect.stringContaining('Copy the file again') as string,
      detail: said,
    });
  });

  it('is itself where nobody knows better, cut where it is long', () => {
    expect(explain('it is a riddle')).toEqual({ text: 'it is a riddle', hint: undefined, detail: undefined });
    const long = 'word '.repeat(100).trim();
    const { text, detail } = explain(long);
    expect(text.length).toBeLessThanOrEqual(162);
    expect(text).toMatch(/^word .* word …$/);
    expect(detail).toBe(long);
    expect(explain('x'.repeat(500)).text).toHaveLength(162);
  });

  // Each as the server or the runtime says it.
  it.each([
    ['Model "m" was unloaded; a load call brings it back.', 'Load it'],
    [
      'Model "m" version 1 is set aside: workers died by SIGFPE while they ran it; a load call tries again.',
      'Put the version before it back',
    ],
    [
      'Model "m" is left alone since a worker died while it loaded it; a load call tries again.',
      'nestor check',
    ],
    ['Model "m" stays as it is: worker 2: it died while it loaded: SIGSEGV', 'its memory'],
    ['the configuration of model m has faults: threads: is no key', 'Mend model.yaml'],
    ['golden case 1 fails: output "y": expected 1, got 2', '`golden`'],
    ['external data "weights.bin" is not there', 'Copy the data files'],
    ['labels.txt, which its declaration names, is not there', 'Put that file'],
    ['it is not in the model folder', 'model.onnx'],
    ['it has no usable version; expected m/1/model.onnx', 'model.onnx'],
    ['m/1/model.onnx is a symbolic link that leaves the model folder', 'links'],
    ['model.onnx cannot be read: EACCES', 'the server runs as'],
    [
      'Load model from m.onnx failed: Unsupported model IR version: 99, max supported IR version: 11',
      'earlier opset',
    ],
    [
      'ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 99 is under development and support for this is limited.',
      'earlier opset',
    ],
    ['Could not find an implementation for Foo(1) node with name', 'other operators'],
    ['Fatal error: com.acme:Foo(-1) is not a registered function/op', 'standard operators'],
    ["output 'y' is a sequence, which cannot be served", 'tensors alone'],
    ["input 'x' has the element type bfloat16, which cannot be served", 'FP32 or FP16'],
    ['Failed to construct locale with name:en_US.UTF-8', 'Install the locale'],
    ["none of its remotes can be used: URL 1: The model's remote cannot be reached.", 'its `urls`'],
    ['std::bad_alloc', 'more memory'],
    ['The deadline passed while waiting for it to load and warm up.', 'MODEL_LOAD_TIMEOUT_MS'],
    [
      'There is no room for model "m": 5 models are loaded, and none of the others is idle and not kept.',
      'MAX_RESIDENT_MODELS',
    ],
  ])('%s', (reason, hint) => {
    expect(whatToDo(reason)).toContain(hint);
  });
});
