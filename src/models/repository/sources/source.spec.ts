import { modelsOf, placeOf, type SourceFile, SourceFault } from './source';

const file = (path: string): SourceFile => ({
  path,
  sizeBytes: 1,
  identity: path,
  sha256: undefined,
  open: () => Promise.reject(new Error('not opened here')),
});
const placesOf = (paths: readonly string[]) =>
  modelsOf(paths.map(file), 'own').map(({ name, files }) => [name, files.map(({ path }) => path)]);

describe('placeOf', () => {
  it.each(['../evil', 'a/../../evil', '/etc/passwd', 'a//b', 'a/./b', 'a\\b', 'a\0b', 'x'.repeat(256)])(
    'refuses %j',
    (path) => {
      expect(() => placeOf(path)).toThrow(SourceFault);
    },
  );

  it.each(['', 'a/', '.git/config', 'a/.hidden'])('passes over %j', (path) => {
    expect(placeOf(path)).toBeUndefined();
  });

  it('takes a path as it is', () => {
    expect(placeOf('1/model.onnx.data')).toBe('1/model.onnx.data');
  });
});

describe('modelsOf', () => {
  it.each([
    [['model.onnx', 'model.yaml'], [['own', ['1/model.onnx', 'model.yaml']]]],
    [['1/model.onnx', '2/model.onnx'], [['own', ['1/model.onnx', '2/model.onnx']]]],
    [['model.onnx', 'config.json'], [['own', ['model.onnx', 'config.json']]]],
    [['onnx/model.onnx', 'config.json'], [['own', ['onnx/model.onnx', 'config.json']]]],
    [
      ['a/1/model.onnx', 'a/model.yaml', 'b.onnx', 'readme.md'],
      [
        ['a', ['1/model.onnx', 'model.yaml']],
        ['b', ['1/model.onnx']],
      ],
    ],
  ])('of %j', (paths, models) => {
    expect(placesOf(paths)).toEqual(models);
  });
});
