import { type Document, isMap, isScalar, isSeq, parseDocument, Scalar, YAMLMap, type YAMLSeq } from 'yaml';
import { makeApiKey, type NewApiKey } from './api-key';
import { readKeyFile } from './key-file';

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  /** As the file spells it. */
  readonly expires?: string;
}

/** The file cannot be edited, or would not be sound afterwards. */
export class KeyFileFault extends Error {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'KeyFileFault';
  }
}

/**
 * The text of a keys file with a key more. What stands in it stays as it is, comments included.
 * @returns the key as well: it can be told now, and never again
 * @throws KeyFileFault
 */
export function withKey(
  text: string,
  { name, scopes, expires }: NewKey,
): NewApiKey & { readonly text: string } {
  const made = makeApiKey();
  const document = documentOf(text);
  const fields: unknown = { name, id: made.id, sha256: made.sha256, scopes, ...(expires && { expires }) };
  const entry = document.createNode(fields) as YAMLMap;
  const list = entry.get('scopes', true);
  if (isSeq(list)) list.flow = true;
  // Digits with one "e" among them would be a number.
  const digest = entry.get('sha256', true);
  if (isScalar(digest)) digest.type = Scalar.QUOTE_SINGLE;
  listOf(document).add(entry);
  return { ...made, text: soundText(document) };
}

/**
 * The text of a keys file without the entry of this name, or of this key's id; undefined when there is none.
 * @throws KeyFileFault
 */
export function withoutKey(text: string, nameOrId: string): string | undefined {
  const document = documentOf(text);
  const { items } = listOf(document);
  const index = items.findIndex(
    (item) => isMap(item) && [item.get('name'), item.get('id')].includes(nameOrId),
  );
  if (index === -1) return undefined;
  items.splice(index, 1);
  return soundText(document);
}

/** @throws KeyFileFault when it is no sound keys file: then nothing is to be changed in it */
function documentOf(text: string): Document {
  refuseFaults(text);
  return parseDocument(text, { version: '1.2', schema: 'core' });
}

function listOf(document: Document): YAMLSeq {
  if (!isMap(document.contents)) document.contents = new YAMLMap();
  const list = document.get('keys');
  if (isSeq(list)) {
    // An empty list is written as [], and what comes into it would stand on its line.
    if (list.items.length === 0) list.flow = false;
    return list;
  }
  const made = document.createNode([]);
  document.set('keys', made);
  return made;
}

function soundText(document: Document): string {
  const text = document.toString({ lineWidth: 0 });
  refuseFaults(text);
  return text;
}

function refuseFaults(text: string): void {
  const faults: string[] = [];
  readKeyFile(text, faults);
  if (faults.length > 0) throw new KeyFileFault(faults);
}
