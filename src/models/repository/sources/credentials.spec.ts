import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { amazonCredentials, googleCredentials } from './credentials';

const { signal } = new AbortController();
const seen: IncomingMessage[] = [];
let answer: object;
const server = createServer((request, response) => {
  seen.push(request);
  response.end(JSON.stringify(answer));
});
const folder = mkdtempSync(join(tmpdir(), 'nestor-credentials-'));
const token = join(folder, 'token');
let url: string;

beforeAll(async () => {
  writeFileSync(token, 'a token\n');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => void (seen.length = 0));

const role = (endsInMs: number) => ({
  AccessKeyId: 'id',
  SecretAccessKey: 'key',
  Token: 'session',
  Expiration: new Date(Date.now() + endsInMs).toISOString(),
});

describe('credentials', () => {
  it('are those of the environment first', async () => {
    const env = {
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
    };
    expect(await amazonCredentials(env, 'eu-west-1')(signal)).toMatchObject({
      accessKeyId: 'a',
      secretAccessKey: 'b',
    });
    expect(seen).toEqual([]);
  });

  it('are those of a service account, by its token', async () => {
    answer = {
      AssumeRoleWithWebIdentityResponse: {
        AssumeRoleWithWebIdentityResult: {
          Credentials: { AccessKeyId: 'id', SecretAccessKey: 'key', SessionToken: 's', Expiration: 4e9 },
        },
      },
    };
    const env = { AWS_ROLE_ARN: 'arn:r', AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ENDPOINT_URL_STS: url };
    const credentials = await amazonCredentials(env, 'eu-west-1')(signal);
    expect(credentials).toEqual({ accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 's' });
    const asked = new URL(seen[0]!.url!, url).searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({ RoleArn: 'arn:r', WebIdentityToken: 'a token' });
  });

  it('are those of the container, and asked for anew before they end', async () => {
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token };
    const ask = amazonCredentials(env, 'eu-west-1');
    answer = role(30_000);
    expect(await ask(signal)).toEqual({ accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 'session' });
    answer = role(3_600_000);
    await ask(signal);
    await ask(signal);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['a token', 'a token']);
  });

  it('are none where nothing gives any', async () => {
    expect(await amazonCredentials({}, 'eu-west-1')(signal)).toBeUndefined();
    expect(await googleCredentials({ STORAGE_EMULATOR_HOST: url })(signal)).toBeUndefined();
    expect(await googleCredentials({ GOOGLE_OAUTH_ACCESS_TOKEN: 't' })(signal)).toEqual({ token: 't' });
  });
});
