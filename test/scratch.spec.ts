import { startServer } from './helpers/server';
jest.setTimeout(200000);
it('x', async () => {
  const s = await startServer({ WORKERS: '2', ACCESS_LOG: 'false' });
  const ready = () => s.until('two', async () => /nestor_workers\{state="ready"\} 2\b/.test((await s.get<string>('/metrics')).body));
  let hung = 0;
  for (let i = 0; i < 10; i++) {
    await ready();
    const victim = s.workers()[0]!;
    const all = Array.from({ length: 4 }, async () => {
      for (let j = 0; j < 20; j++) {
        const r = await Promise.race([s.get('/api/health/live', { connection: 'close' }).then(() => 'ok', (e) => String(e)), new Promise((r) => setTimeout(r, 8000, 'hang'))]);
        if (r !== 'ok') console.log(i, r);
        if (r === 'hang') hung++;
      }
    });
    await new Promise((r) => setTimeout(r, 20));
    process.kill(victim, 'SIGKILL');
    await Promise.all(all);
    await s.until('died', () => s.output.match(/worker died/g)?.length === i + 1);
  }
  console.log(hung);
});
