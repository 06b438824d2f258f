import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandLine, RunningCommand } from './helpers/command-line';
import { graphModel } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { ANY_SPEED, SWISH } from './helpers/optimizable';

describe('nestor optimize, killed as it puts the version into its place', () => {
  let commands: CommandLine;
  beforeAll(() => {
    commands = new CommandLine();
  });
  afterAll(() => commands.end());
  const killed = temporaryFolder('killed');
  const small = graphModel(SWISH);
  const args = (name: string): string[] => ['optimize', killed, '--model', name, ...ANY_SPEED];
  const kill = async (name: string, moment: string): Promise<void> => {
    const { ended } = new RunningCommand(args(name), undefined, 'killed-at-rename.js', { KILL_AT: moment });
    expect(await ended).toBe('SIGKILL');
  };
  const seen = (name: string): string[] => {
    const all = readdirSync(join(killed, name), { recursive: true }) as string[];
    return all.filter((path) => !path.startsWith('.')).sort();
  };
  /** A model in folders of versions, in a file of its own, as it was downloaded. */
  const write: Record<string, (name: string) => void> = {
    versions: (name) => writeModel(killed, name, small, { version: '1', yaml: 'description: x\n' }),
    file: (name) => writeModel(killed, name, small, { yaml: 'description: x\n' }),
    downloaded: (name) => {
      mkdirSync(join(killed, name));
      writeFileSync(join(killed, name, 'model.onnx'), small);
      writeFileSync(join(killed, name, 'config.json'), '{}');
    },
  };
  const VERSION = ['2', '2/model.onnx', '2/report.html', '2/report.json'];
  const ORIGINAL = ['1', '1/model.onnx'];

  // What is renamed last: the version; the model's folder, when the version lies there; the version, behind one for the original.
  it.each<[string, string, string[], string]>([
    ['versions', 'before 1', [...ORIGINAL, 'model.yaml'], '2'],
    ['file', 'behind 2', [...ORIGINAL, ...VERSION, 'model.yaml'], '3'],
    ['downloaded', 'before 2', [...ORIGINAL, 'config.json', 'model.onnx'], '2'],
  ])('leaves all of it or nothing: %s, %s', async (form, moment, left, next) => {
    const name = `${form}-${moment.replace(' ', '-')}`;
    write[form]!(name);
    await kill(name, moment);
    expect(seen(name)).toEqual(left);
    const { code, stdout, stderr } = await commands.run([...args(name), '--version', '1']);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toMatch(new RegExp(`^${name} 1 -> ${next}\n`));
    expect(seen(name)).toEqual(expect.arrayContaining([next, `${next}/model.onnx`]));
    const hidden = (place: string): string[] => readdirSync(place).filter((entry) => entry.startsWith('.'));
    expect([hidden(killed), hidden(join(killed, name))]).toEqual([[], []]);
  });
});
