import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes certificates by openssl, in a folder of the test's. */
export class Authority implements Certificate {
  readonly certFile: string;
  readonly keyFile: string;

  constructor(
    private readonly openssl: string,
    private readonly folder: string,
    name: string,
  ) {
    this.certFile = join(folder, `${name}.crt`);
    this.keyFile = join(folder, `${name}.key`);
    this.run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', [
      ...['-subj', `/CN=${name}`, '-keyout', this.keyFile, '-out', this.certFile],
    ]);
  }

  /** @param names such as `DNS:localhost` and `IP:127.0.0.1` */
  sign(file: string, ...names: string[]): Certificate {
    const at = (ending: string): string => join(this.folder, `${file}.${ending}`);
    const [certFile, keyFile, request, extension] = [at('crt'), at('key'), at('csr'), at('ext')] as const;
    const lines = names.map((name, i) => name.replace(':', `.${i + 1}=`));
    writeFileSync(extension, ['subjectAltName=@names', '[names]', ...lines, ''].join('\n'));
    this.run('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', [
      ...['-subj', `/CN=${file}`, '-keyout', keyFile, '-out', request],
    ]);
    this.run('x509', '-req', '-days', '2', '-CAcreateserial', '-extfile', extension, [
      ...['-CA', this.certFile, '-CAkey', this.keyFile, '-in', request, '-out', certFile],
    ]);
    return { certFile, keyFile };
  }

  private run(...args: (string | string[])[]): void {
    execFileSync(this.openssl, args.flat(), { stdio: 'ignore' });
  }
}
