import type { Server } from 'node:https';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import { WatchedFiles } from '../common/watched-files';
import type { HttpConfig } from '../config/config.slices';
import { ConfigurationError } from '../config/configuration-error';
import { reasonOf } from '../errors/domain-error';
import type { EventLog } from '../telemetry/logging/log-line';

const MAX_PEM_BYTES = 1024 * 1024;

type TlsConfig = NonNullable<HttpConfig['tls']>;

/** The server's certificate, its key and the authorities of its clients, which are replaced while it runs. */
export class TlsFiles {
  private readonly files: WatchedFiles<SecureContextOptions>;
  private server: Server | undefined;

  /** @param handshakeTimeoutMs for a client to agree on how to speak */
  constructor(
    private readonly tls: TlsConfig,
    private readonly handshakeTimeoutMs: number,
    log?: EventLog,
  ) {
    const { certFile, keyFile, clientCaFile, reloadIntervalMs } = tls;
    this.files = new WatchedFiles({
      paths: [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])],
      maxBytes: MAX_PEM_BYTES,
      intervalMs: reloadIntervalMs,
      parse: readContext,
      onChange: (context) => {
        // Connections that there are keep what they began with.
        this.server?.setSecureContext(context);
        log?.info({ msg: 'the TLS certificate has changed', certFile });
      },
      onFault: (reason) =>
        log?.error({
          msg: 'the TLS files cannot be used as they are now: what they were before counts',
          reason,
        }),
    });
  }

  /**
   * What a server needs to speak TLS.
   * @throws ConfigurationError when the files cannot be used
   */
  async open(): Promise<TlsOptions> {
    const { clientCertificates } = this.tls;
    try {
      return {
        ...(await this.files.start()),
        requestCert: clientCertificates !== 'off',
        rejectUnauthorized: clientCertificates === 'require',
        handshakeTimeout: this.handshakeTimeoutMs,
      };
    } catch (error) {
      throw new ConfigurationError([`TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE: ${reasonOf(error)}`]);
    }
  }

  /** From now on `server` gets what the files become, until it closes. */
  follow(server: Server): void {
    this.server = server;
    server.once('close', () => this.close());
  }

  close(): void {
    this.files.stop();
  }
}

/** @throws Error when key and certificate do not belong together, or one of them is none */
function readContext(cert: string, key: string, ca?: string): SecureContextOptions {
  const context: SecureContextOptions = { cert, key, ca, minVersion: 'TLSv1.2' };
  createSecureContext(context);
  return context;
}

/**
 * Looks at the files once: a primary whose workers could not use them does not start any.
 * @throws ConfigurationError
 */
export async function checkTlsFiles(tls: TlsConfig): Promise<void> {
  const files = new TlsFiles(tls, 0);
  await files.open();
  files.close();
}
