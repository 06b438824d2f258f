import { getMetadataStorage } from 'class-validator';
import { parse } from 'dotenv';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Environment } from './environment';
import { parseSettings } from './settings';

const text = readFileSync(join(__dirname, '../../.env.example'), 'utf8');
const uncommented = text.replace(/^# (?=[A-Z][A-Z0-9_]*=)/gm, '');
const example = parse(uncommented);

const variables = new Set(
  getMetadataStorage()
    .getTargetValidationMetadatas(Environment, '', true, false)
    .map(({ propertyName }) => propertyName),
);

/** Empty in the example: those whose default is none, or is not a constant. */
const EMPTY = [
  'VERSION',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'TLS_CLIENT_CA_FILE',
  'MODEL_NAME',
  'MODEL_SOURCES',
  'MODEL_NAMES',
  'METRICS_MODELS',
  'REDIS_URL',
  'EXTERNAL_API_URL',
  'REMOTE_SECRET_NAMES',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_RESOURCE_ATTRIBUTES',
  'ALLOWED_HOSTS',
  'API_KEY',
  'ADMIN_KEY',
  'AUTH_KEYS_FILE',
  'SECRET_KEY',
  'JWT_PUBLIC_KEY_FILE',
  'JWT_JWKS_URL',
  'JWT_ISSUER',
  'JWT_AUDIENCE',
];

describe('.env.example', () => {
  it('has each variable once, and no other', () => {
    const names = [...uncommented.matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name);
    expect(names.toSorted()).toEqual([...variables].toSorted());
    expect(variables).toContain('PORT');
  });

  it('gives the true defaults', () => {
    expect(parseSettings(example)).toEqual(parseSettings({}));
    expect(Object.keys(example).filter((name) => example[name] === '')).toEqual(EMPTY);
  });

  it('sets nothing as it is', () => {
    expect(parse(text)).toEqual({});
  });

  it('says what each variable means, on the line before it', () => {
    const lines = text.split('\n');
    const bare = lines.filter(
      (line, at) => /^# [A-Z][A-Z0-9_]*=/.test(line) && !/^# [^=]+\.$/.test(lines[at - 1] ?? ''),
    );
    expect(bare).toEqual([]);
  });
});
