import { DomainError } from '../../errors/domain-error';
import { RpcChannel, type ChannelMessage } from './rpc-channel';

/** Two ends whose messages are cloned on the way, as between processes. */
function pair(): [RpcChannel, RpcChannel] {
  const ends: RpcChannel[] = [];
  const to = (other: number) => (message: ChannelMessage) =>
    queueMicrotask(() => ends[other]?.receive(structuredClone(message)));
  ends.push(new RpcChannel(to(1)), new RpcChannel(to(0)));
  return ends as [RpcChannel, RpcChannel];
}

describe('Channel', () => {
  it('answers questions on both sides at once', async () => {
    const [a, b] = pair();
    a.handle('double', (n: number) => n * 2);
    b.handle('triple', async (n: number) => Promise.resolve(n * 3));
    await expect(Promise.all([a.ask('triple', 2, 1000), b.ask('double', 5, 1000)])).resolves.toEqual([6, 10]);
  });

  it('carries the code and the message of an error across', async () => {
    const [a, b] = pair();
    b.handle('load', () => {
      throw new DomainError('model_not_found', 'There is no model "x".');
    });
    await expect(a.ask('load', null, 1000)).rejects.toMatchObject({
      code: 'model_not_found',
      message: 'There is no model "x".',
    });
  });

  it('says so when nobody answers on a topic', async () => {
    const [a] = pair();
    await expect(a.ask('nothing', null, 1000)).rejects.toThrow('Nobody answers on "nothing".');
  });

  it('settles a question whose answer does not come', async () => {
    const a = new RpcChannel(() => undefined);
    await expect(a.ask('slow', null, 1)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('settles everything that is open when the line closes, and refuses later questions', async () => {
    const a = new RpcChannel(() => undefined);
    const open = a.ask('slow', null, 10_000);
    a.close('gone');
    await expect(open).rejects.toMatchObject({ code: 'not_ready', message: 'gone' });
    await expect(a.ask('slow', null, 10_000)).rejects.toMatchObject({ code: 'not_ready' });
  });

  it('settles a question that cannot be sent', async () => {
    const a = new RpcChannel(() => {
      throw new Error('broken pipe');
    });
    await expect(a.ask('x', null, 10_000)).rejects.toThrow('broken pipe');
  });
});
