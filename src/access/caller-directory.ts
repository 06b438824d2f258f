import { Coalesced } from '../common/coalesced';
import type { AccessConfig } from '../config/config.slices';
import { isLongEnough, isPlaceholder } from '../config/secret-strength';
import { DomainError } from '../errors/domain-error';
import { Credentials, type Identity } from './credentials/credentials';
import { Jwt } from './credentials/jwt';
import { readPublicKeys } from './credentials/jwt-keys';
import type { KnownCallers } from './messages';

/** The callers as one process knows them: what the keeper has told it, and what it has found out by itself. */
export class CallerDirectory {
  readonly credentials: Credentials;
  /** Can tokens be checked? */
  readonly takesTokens: boolean;
  /** Can it make tokens of its own? Not with a secret that was never meant to be kept. */
  readonly makesTokens: boolean;
  private readonly jwt: Jwt | undefined;
  private generation = 0;
  private credentialsGeneration = 0;

  /** @param askForNewKeys has the keeper ask the issuer of tokens for its keys; resolves when it has */
  constructor(config: AccessConfig, askForNewKeys: () => Promise<void>) {
    const { apiKey, adminKey, secretKey, algorithm, publicKeyFile, jwksUrl } = config;
    this.makesTokens =
      secretKey !== undefined && !isPlaceholder(secretKey) && isLongEnough(secretKey, algorithm);
    this.takesTokens = this.makesTokens || publicKeyFile !== undefined || jwksUrl !== undefined;
    if (this.takesTokens) {
      // However many tokens name a key that is not known, there is one question on its way.
      const asked = new Coalesced(askForNewKeys);
      const rules = { ...config, secretKey: this.makesTokens ? secretKey : undefined };
      // When the question fails, the keys that there are have to do.
      this.jwt = new Jwt(rules, () => asked.run().catch(() => undefined), jwksUrl !== undefined);
    }
    const fixed = [
      { name: 'API_KEY', secret: apiKey, scopes: ['infer', 'models:read', 'metrics:read'] },
      { name: 'ADMIN_KEY', secret: adminKey, scopes: ['admin'] },
    ];
    this.credentials = new Credentials({
      fixed: fixed.flatMap(({ secret, ...rest }) => (secret === undefined ? [] : { ...rest, secret })),
      defaultLimits: config.limits,
      maxKnown: config.maxKnownTokens,
      jwt: this.jwt,
    });
  }

  take(known: KnownCallers): void {
    if (known.generation <= this.generation) return;
    this.generation = known.generation;
    this.jwt?.useRemote(known.remoteKeys);
    if (known.credentialsGeneration === this.credentialsGeneration) return;
    this.credentialsGeneration = known.credentialsGeneration;
    this.jwt?.useFile(known.publicKeys === undefined ? undefined : readPublicKeys(known.publicKeys));
    this.credentials.replaceKeys(known.keys);
  }

  /** @throws conflict where there is no SECRET_KEY that could sign it, forbidden where there is no API key to make it from */
  async makeToken(
    { keyId, name }: Identity,
    scopes: readonly string[],
    expiresAtMs: number,
  ): Promise<string> {
    if (this.jwt === undefined || !this.makesTokens)
      throw new DomainError('conflict', 'This server has no SECRET_KEY that it could sign tokens with.');
    if (keyId === undefined)
      throw new DomainError('forbidden', 'A token is made from an API key, and this is none.');
    return this.jwt.sign(name, keyId, scopes, expiresAtMs);
  }
}
