import { readFile } from 'node:fs/promises';
import { getText } from './get';
import { SourceFault } from './source';

export type Credentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | { readonly token: string };

/** Variables as the tools of each cloud name them. */
export type Variables = Readonly<Record<string, string | undefined>>;

const GOOGLE_TOKEN =
  'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token';
/** Credentials are asked for anew so long before they end. */
const EARLY_MS = 60_000;

/** Credentials that end are kept until shortly before that. */
function kept(
  ask: (signal: AbortSignal) => Promise<{ credentials: Credentials; endsAt?: number } | undefined>,
): (signal: AbortSignal) => Promise<Credentials | undefined> {
  let known: { credentials: Credentials; endsAt?: number } | undefined;
  return async (signal) => {
    if (known === undefined || (known.endsAt ?? Infinity) - EARLY_MS < Date.now()) known = await ask(signal);
    return known?.credentials;
  };
}

/**
 * Amazon's, in the order of its own tools as far as a server in a container meets them: keys in the environment, the
 * role of a Kubernetes service account (IRSA), the container's own (ECS, EKS Pod Identity). Undefined: unsigned.
 */
export function amazonCredentials(env: Variables, region: string) {
  return kept(async (signal) => {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
    if (accessKeyId && secretAccessKey) {
      return { credentials: { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN } };
    }
    if (env.AWS_ROLE_ARN && env.AWS_WEB_IDENTITY_TOKEN_FILE) return ofServiceAccount(env, region, signal);
    const address = containerAddress(env);
    return address === undefined ? undefined : ofContainer(address, env, signal);
  });
}

/** Google's: a token in the environment, or that of the machine's service account. Undefined: without one. */
export function googleCredentials(env: Variables) {
  return kept(async (signal) => {
    if (env.GOOGLE_OAUTH_ACCESS_TOKEN) return { credentials: { token: env.GOOGLE_OAUTH_ACCESS_TOKEN } };
    if (env.STORAGE_EMULATOR_HOST) return undefined;
    try {
      const { text } = await getText(new URL(GOOGLE_TOKEN), { 'metadata-flavor': 'Google' }, signal);
      const { access_token: token, expires_in: seconds } = JSON.parse(text) as {
        access_token: string;
        expires_in: number;
      };
      return { credentials: { token }, endsAt: Date.now() + seconds * 1000 };
    } catch (error) {
      // Not on a machine of Google's: what is public needs none.
      if (error instanceof SourceFault) return undefined;
      throw error;
    }
  });
}

async function ofServiceAccount(env: Variables, region: string, signal: AbortSignal) {
  const url = new URL(env.AWS_ENDPOINT_URL_STS ?? `https://sts.${region}.amazonaws.com`);
  url.searchParams.set('Action', 'AssumeRoleWithWebIdentity');
  url.searchParams.set('Version', '2011-06-15');
  url.searchParams.set('RoleArn', env.AWS_ROLE_ARN!);
  url.searchParams.set('RoleSessionName', env.AWS_ROLE_SESSION_NAME ?? 'nestor');
  url.searchParams.set('WebIdentityToken', (await readFile(env.AWS_WEB_IDENTITY_TOKEN_FILE!, 'utf8')).trim());
  const { text } = await getText(url, { accept: 'application/json' }, signal);
  const answer = JSON.parse(text) as {
    AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials: RoleCredentials } };
  };
  return fromRole(answer.AssumeRoleWithWebIdentityResponse.AssumeRoleWithWebIdentityResult.Credentials);
}

interface RoleCredentials {
  AccessKeyId: string;
  SecretAccessKey: string;
  SessionToken?: string;
  Token?: string;
  /** An ISO date, or seconds since 1970. */
  Expiration: string | number;
}

async function ofContainer(address: URL, env: Variables, signal: AbortSignal) {
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? (await readFile(file, 'utf8')).trim() : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const { text } = await getText(address, token ? { authorization: token } : {}, signal);
  return fromRole(JSON.parse(text) as RoleCredentials);
}

function containerAddress(env: Variables): URL | undefined {
  if (env.AWS_CONTAINER_CREDENTIALS_FULL_URI) return new URL(env.AWS_CONTAINER_CREDENTIALS_FULL_URI);
  const path = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  return path ? new URL(path, 'http://169.254.170.2') : undefined;
}

function fromRole(role: RoleCredentials) {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Expiration: ends } = role;
  return {
    credentials: { accessKeyId, secretAccessKey, sessionToken: role.SessionToken ?? role.Token },
    endsAt: typeof ends === 'number' ? ends * 1000 : Date.parse(ends),
  };
}
