import { isModelName } from '../model-name';
import { BucketSource } from './bucket';
import { amazonCredentials, googleCredentials, type Variables } from './credentials';
import { HuggingFaceSource } from './hugging-face';
import { type Source, SourceFault } from './source';
import { WebFileSource } from './web-file';

const EXPECTED =
  'expected [name=]s3://bucket/prefix, gs://bucket/prefix, https://host/model.onnx#sha256=<64 hex digits> or hf://org/repository@revision';

/**
 * Where models are, as one writes it: `[name=]s3://bucket/prefix`, `gs://bucket/prefix`,
 * `https://host/path/model.onnx#sha256=...`, `hf://org/repository@revision`. The name is for what holds one model; without
 * it that is called like the last part of its path.
 * @param env endpoints and credentials, under the names that each cloud's own tools have for them
 * @throws SourceFault with what was expected
 */
export function parseSource(text: string, env: Variables): Source {
  const [, given, address = ''] = /^(?:([^=/:]*)=)?(.*)$/s.exec(text.trim()) ?? [];
  const label = withoutSecrets(address);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new SourceFault(`${JSON.stringify(label.slice(0, 100))} is no source; ${EXPECTED}`);
  }
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  const named = (fallback: string): string => {
    const name = given ?? fallback;
    if (isModelName(name)) return name;
    const why = `${JSON.stringify(name.slice(0, 100))} is no name that a model can have`;
    throw new SourceFault(`${label}: ${why}; put one before it: name=${url.protocol}//...`);
  };
  switch (url.protocol) {
    case 's3:':
    case 'gs:': {
      if (url.hostname === '') throw new SourceFault(`${label} names no bucket; ${EXPECTED}`);
      const access = url.protocol === 's3:' ? amazon(env, url.hostname) : google(env);
      return new BucketSource(
        label,
        url.hostname,
        path,
        named(path.split('/').at(-1) || url.hostname),
        access,
      );
    }
    case 'hf:': {
      const [, repository = '', revision = 'main'] = /^([^@]+)(?:@(.+))?$/.exec(`${url.host}/${path}`) ?? [];
      if (!/^[\w.-]+\/[\w.-]+$/.test(repository))
        throw new SourceFault(`${label} is no repository; ${EXPECTED}`);
      return new HuggingFaceSource(label, repository, revision, named(repository.split('/')[1]!), env);
    }
    case 'https:':
    case 'http:': {
      const [, sha256] = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash) ?? [];
      // The digest is what makes one file of what an address gives today and tomorrow.
      if (sha256 === undefined) throw new SourceFault(`${label} has no #sha256=...: ${EXPECTED}`);
      url.hash = '';
      return new WebFileSource(
        label,
        url,
        sha256.toLowerCase(),
        named((path.split('/').at(-1) ?? '').replace(/\.onnx$/, '')),
      );
    }
    default:
      throw new SourceFault(`${label} is no source; ${EXPECTED}`);
  }
}

function amazon(env: Variables, bucket: string) {
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const own = (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL)?.replace(/\/+$/, '');
  // A dot in a bucket's name would be one in the name of the host, which its certificate does not have.
  const amazons = bucket.includes('.')
    ? `https://s3.${region}.amazonaws.com`
    : `https://{bucket}.s3.${region}.amazonaws.com`;
  return { endpoint: own ?? amazons, region, credentials: amazonCredentials(env, region) };
}

/** Google's storage has S3's calls, too, and takes its own tokens for them. */
function google(env: Variables) {
  const endpoint = (env.STORAGE_EMULATOR_HOST || 'https://storage.googleapis.com').replace(/\/+$/, '');
  return { endpoint, region: 'auto', credentials: googleCredentials(env) };
}

/** Without a user, a password or a query, which may be a signature. */
function withoutSecrets(address: string): string {
  return address.replace(/\/\/[^/@]*:[^/@]*@/, '//').replace(/\?[^#]*/, '');
}
