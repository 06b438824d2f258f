import { isJsonObject, type JsonValue } from '../../config/yaml/json-value';
import { pythonLiteral } from './python-literal';
import type { Fact, FileFacts, Recognised } from './recognised';

/** Where these facts are from: the model file's own `metadata_props`. */
const FROM = 'metadata of model.onnx';
const SCORE = 0.25;
const IOU = 0.45;
const MOST_BOXES = 300;
const GREY = 114;

/**
 * What an export of ultralytics says of itself: task, names of the classes and the size of pictures, as Python literals.
 * https://docs.ultralytics.com/modes/export/
 */
export function ultralyticsFacts({ metadata }: FileFacts): Recognised | undefined {
  if (!/ultralytics/i.test(`${metadata.get('author')} ${metadata.get('description')}`)) return undefined;
  const task = metadata.get('task') ?? '';
  const names = literal(metadata, 'names');
  const size = literal(metadata, 'imgsz');
  const sides: readonly JsonValue[] = Array.isArray(size) ? size : [];
  const [height, width] = sides;
  if (!isJsonObject(names) || typeof height !== 'number' || typeof width !== 'number') {
    return unknown('has no names or no imgsz');
  }
  switch (task) {
    case 'detect':
      return { facts: detection(names, width, height, metadata.get('end2end') === 'True'), reason: '' };
    case 'classify':
      return { facts: classification(names, width, height), reason: '' };
    default:
      return unknown(`is for the task "${task.slice(0, 40)}", for which there is no output type`);
  }
}

function detection(names: JsonValue, width: number, height: number, isEndToEnd: boolean): Fact[] {
  const fit = { fit: [width, height], pad: GREY, anchor: 'center', filter: 'bilinear', antialias: false };
  return [
    ...facts('input', 'image', { type: 'image', resize: fit, scale: '1/255' }),
    ...facts('output', 'objects', {
      type: 'detection',
      score: SCORE,
      max: MOST_BOXES,
      labels: names,
      ...(isEndToEnd ? { layout: 'end2end' } : { layout: 'yolov8', iou: IOU }),
    }),
  ];
}

/** Its classifiers resize the shorter side and crop, and have softmax in the graph. */
function classification(names: JsonValue, width: number, height: number): Fact[] {
  return [
    ...facts('input', 'image', {
      type: 'image',
      resize: { shorter: Math.min(width, height), filter: 'bilinear' },
      crop: { width, height, round: 'half_even' },
      scale: '1/255',
    }),
    ...facts('output', 'labels', { type: 'classification', activation: 'none', labels: names }),
  ];
}

function facts(side: Fact['side'], name: string, keys: Readonly<Record<string, JsonValue>>): Fact[] {
  return Object.entries(keys).map(([key, value]) => ({ side, name, key, value, from: FROM }));
}

function literal(metadata: FileFacts['metadata'], key: string): JsonValue {
  return pythonLiteral(metadata.get(key) ?? '') ?? null;
}

function unknown(what: string): Recognised {
  return { facts: [], reason: `the ${FROM} is ultralytics' and ${what}` };
}
