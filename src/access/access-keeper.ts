import type { AccessConfig } from '../config/config.slices';
import { WatchedFiles } from '../common/watched-files';
import { ConfigurationError } from '../config/configuration-error';
import { reasonOf } from '../errors/domain-error';
import { hasKeys } from './authorization';
import { JwksSource } from './credentials/jwks-source';
import { MAX_JWKS_BYTES, readPublicKeys } from './credentials/jwt-keys';
import { MAX_KEY_FILE_BYTES, readKeyFile } from './credentials/key-file';
import type { RemoteKeys } from './credentials/jwt';
import type { KeyEntry } from './credentials/key-entry';
import type { EventLog, LogEvent } from '../telemetry/logging/log-line';
import { type KnownCallers, TOPIC } from './messages';
import { LeaseBook, type Lease, type LeaseQuestion } from './rates/lease-book';

/** For a worker to hear of a change. */
export const TELL_MS = 5000;
const JWKS_TIMEOUT_MS = 5000;
const JWKS_GAP_MS = 1000;

export interface AccessKeeperOptions {
  readonly config: AccessConfig;
  /** Tells every worker that there is, whatever it is at. */
  tell(known: KnownCallers): void;
  /** Something was read again, or could not be. */
  readonly log: EventLog;
}

/** One end of the line to a worker. */
interface Line {
  handle<Payload, Value>(topic: string, handler: (payload: Payload) => Value | Promise<Value>): void;
}

/**
 * What the whole server knows of its callers: keys from files, keys from tokens' issuers, and what each caller has left
 * of its rates. One for all workers: it lives in the primary, or in the only process.
 */
export class AccessKeeper {
  /** Files and addresses that could not be read when they were to be, since the start. */
  failures = 0;
  known: KnownCallers = {
    generation: 1,
    credentialsGeneration: 1,
    keys: [],
    publicKeys: undefined,
    remoteKeys: undefined,
  };
  private readonly book: LeaseBook;
  private readonly files: WatchedFiles<unknown>[] = [];
  private jwks: JwksSource | undefined;

  constructor(private readonly options: AccessKeeperOptions) {
    // A caller may have two rates.
    this.book = new LeaseBook(2 * options.config.maxCallers);
  }

  /**
   * Reads everything for the first time, and follows its changes from then on. An issuer that is away is waited for
   * only once.
   * @throws ConfigurationError with all that is wrong with the files
   */
  async start(): Promise<void> {
    const { mode } = this.options.config;
    if (mode === 'auto' && !hasKeys(this.options.config))
      this.options.log.info({
        msg: 'no keys are set: all may infer, and this machine alone may change (docs/security.md)',
      });
    const { keysFile, publicKeyFile, jwksUrl } = this.options.config;
    const faults: string[] = [];
    const first = async <T>(name: string, file: WatchedFiles<T>): Promise<T | undefined> => {
      this.files.push(file);
      return file.start().catch((error: unknown) => {
        for (const fault of reasonOf(error).split('\n')) faults.push(`${name}: ${fault}`);
        return undefined;
      });
    };
    const keys = keysFile && (await first('AUTH_KEYS_FILE', this.keysFile(keysFile)));
    const publicKeys =
      publicKeyFile && (await first('JWT_PUBLIC_KEY_FILE', this.publicKeyFile(publicKeyFile)));
    if (faults.length > 0) {
      this.stop();
      throw new ConfigurationError(faults);
    }
    this.known = { ...this.known, keys: keys || [], publicKeys: publicKeys || undefined };
    if (jwksUrl === undefined) return;
    this.jwks = this.jwksSource(jwksUrl);
    await this.jwks.start();
  }

  stop(): void {
    for (const file of this.files) file.stop();
    this.jwks?.stop();
  }

  /** Answers a worker's questions. */
  serve(line: Line): void {
    line.handle<null, KnownCallers>(TOPIC.callers, () => this.known);
    line.handle<null, void>(TOPIC.newKeys, () => this.askIssuer());
    line.handle<LeaseQuestion, Lease>(TOPIC.lease, (question) =>
      this.book.lease(question, performance.now()),
    );
  }

  /** Resolves when the issuer of tokens has been asked for its keys since now. */
  async askIssuer(): Promise<void> {
    await this.jwks?.refresh();
  }

  private change(fields: Partial<KnownCallers>, credentialsToo = true): void {
    const { generation, credentialsGeneration } = this.known;
    this.known = {
      ...this.known,
      ...fields,
      generation: generation + 1,
      credentialsGeneration: credentialsGeneration + (credentialsToo ? 1 : 0),
    };
    this.options.tell(this.known);
  }

  /** The same keys again are only good for longer. */
  private takeRemoteKeys(remoteKeys: RemoteKeys): void {
    const before = JSON.stringify(this.known.remoteKeys?.keys);
    this.change({ remoteKeys }, before !== JSON.stringify(remoteKeys.keys));
  }

  private keysFile(path: string): WatchedFiles<readonly KeyEntry[]> {
    return new WatchedFiles({
      ...this.watching('AUTH_KEYS_FILE', path, MAX_KEY_FILE_BYTES),
      parse: (text) => {
        const faults: string[] = [];
        const keys = readKeyFile(text, faults);
        if (faults.length > 0) throw new Error(faults.join('\n'));
        return keys;
      },
      onChange: (keys) => {
        this.options.log.info({ msg: 'AUTH_KEYS_FILE has changed', keys: keys.length });
        this.change({ keys });
      },
    });
  }

  private publicKeyFile(path: string): WatchedFiles<string> {
    return new WatchedFiles({
      ...this.watching('JWT_PUBLIC_KEY_FILE', path, MAX_JWKS_BYTES),
      parse: (text) => {
        readPublicKeys(text);
        return text;
      },
      onChange: (publicKeys) => {
        this.options.log.info({ msg: 'JWT_PUBLIC_KEY_FILE has changed' });
        this.change({ publicKeys });
      },
    });
  }

  private watching(
    name: string,
    path: string,
    maxBytes: number,
  ): Pick<ConstructorParameters<typeof WatchedFiles>[0], 'paths' | 'maxBytes' | 'intervalMs' | 'onFault'> {
    const onFault = (reason: string): void =>
      this.failed({ msg: `${name} cannot be used as it is now: what it was before counts`, reason });
    return { paths: [path], maxBytes, intervalMs: this.options.config.reloadIntervalMs, onFault };
  }

  private jwksSource(url: string): JwksSource {
    const { jwksRefreshMs: refreshMs, jwksMaxStaleMs: maxStaleMs } = this.options.config;
    return new JwksSource({
      url,
      refreshMs,
      maxStaleMs,
      timeoutMs: JWKS_TIMEOUT_MS,
      gapMs: JWKS_GAP_MS,
      onKeys: (remoteKeys) => this.takeRemoteKeys(remoteKeys),
      onFailure: (reason, failures) =>
        this.failed({
          msg: 'JWT_JWKS_URL cannot be read: the keys it had before count',
          reason,
          failures,
        }),
    });
  }

  private failed(event: LogEvent): void {
    this.failures++;
    this.options.log.error(event);
  }
}
