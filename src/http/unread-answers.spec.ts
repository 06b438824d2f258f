import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { Authority } from '../../test/helpers/certificates';
import { temporaryFolder } from '../../test/helpers/model-folder';
import { describeWith } from '../../test/helpers/requirements-of-tests';
import { until } from '../../test/helpers/until';
import { unacknowledged } from './node/unacknowledged';
import { closeUnread } from './unread-answers';

const ANSWER_BYTES = 64 << 20;
const TIMEOUT_MS = 60_000;

// Elsewhere the system does not tell what has been taken.
const itOnLinux = process.platform === 'linux' ? it : it.skip;

describeWith('openssl', 'an answer that is too large to go at once', (openssl) => {
  const { certFile, keyFile } = new Authority(openssl, temporaryFolder('unread'), 'server');
  const cert = readFileSync(certFile);
  let server: Server;
  let client: Socket;
  let unread = 0;
  afterEach(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  /** Asks, and gives the server's side of the connection, whose time passes only when the test says so. */
  async function ask(isSecure: boolean): Promise<Socket> {
    const answer: RequestListener = (_, res) => res.end(Buffer.alloc(ANSWER_BYTES));
    const key = readFileSync(keyFile);
    server = isSecure ? createSecureServer({ cert, key }, answer) : createServer(answer);
    unread = 0;
    closeUnread(server, TIMEOUT_MS, () => unread++);
    const { port } =
      (await once(server.listen(0, '127.0.0.1'), 'listening'), server.address() as AddressInfo);
    client = isSecure
      ? connectSecurely({ port, ca: cert, checkServerIdentity: () => undefined })
      : connect(port, '127.0.0.1');
    const asked = once(server, 'request') as Promise<[{ socket: Socket }]>;
    client.on('error', () => undefined).write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const [{ socket }] = await asked;
    await until(
      'the client has a first part of it',
      () => client.readableLength > 0 || client.read() !== null,
    );
    return socket;
  }

  /** As if nothing that Node hears of had moved for as long as the time-out says. */
  async function timeOut(socket: Socket): Promise<void> {
    socket.setTimeout(0);
    server.emit('timeout', socket);
    await until('it has been looked at', () => socket.timeout === TIMEOUT_MS || socket.destroyed);
  }

  describe.each([
    ['plain', false],
    ['secure', true],
  ])('on a %s connection', (_, isSecure) => {
    itOnLinux('goes on for as long as its client takes something now and then', async () => {
      const socket = await ask(isSecure);
      for (let i = 0; i < 5; i++) {
        await timeOut(socket);
        const before = await unacknowledged(socket);
        await until('the client has taken something', async () => {
          client.read();
          return (await unacknowledged(socket)) !== before;
        });
      }
      await timeOut(socket);
      expect([socket.destroyed, unread]).toEqual([false, 0]);
    });

    it('closes when its client takes nothing any more', async () => {
      const socket = await ask(isSecure);
      await until('it is closed', async () => {
        await timeOut(socket);
        return socket.destroyed;
      });
      expect(unread).toBe(1);
    });
  });
});
