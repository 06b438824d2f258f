import { temporaryFolder, writeModel } from './helpers/model-folder';
import { divideModel, slowModel } from './helpers/onnx-models';
import { startServer } from './helpers/server';
import { until } from './helpers/until';

/** The least number by -1 is a division that the processor refuses. */
const DEADLY = { a: ['-9223372036854775808'], b: [-1] };
/** Answers of what runs all the time before each try: enough to be seen. */
const BEFORE = 40;

describe('two models that kill workers one beside the other', () => {
  const models = temporaryFolder();

  it('are both set aside, and none of those that always run beside them', async () => {
    for (const name of ['one', 'other']) writeModel(models, name, divideModel());
    writeModel(models, 'busy', slowModel(30));
    const server = await startServer({ MODEL_DIR: models, EXECUTION_SLOTS: '4' });
    const post = (model: string, body: object): Promise<string> =>
      server
        .post<{ code: string }>(`/api/inference/${model}`, body, { connection: 'close' })
        .then(({ status, body: { code } }) => (status === 200 ? 'served' : code))
        .catch(() => 'lost');
    let over = false;
    let served = 0;
    const client = async (): Promise<void> => {
      while (!over) if ((await post('busy', { x: [[1, 2, 3, 4]] })) === 'served') served++;
    };
    const clients = [client(), client(), client()];
    await server.until('both are aside', async () => {
      const enough = served + BEFORE;
      await until('the busy one is served', () => served >= enough);
      const answers = await Promise.all(['one', 'other'].map((model) => post(model, DEADLY)));
      return answers.every((answer) => answer === 'model_quarantined');
    });
    over = true;
    await Promise.all(clients);
    expect(await post('busy', { x: [[1, 2, 3, 4]] })).toBe('served');
    await server.stop();
  });
});
