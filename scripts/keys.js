/**
 * `npm run keys -- make <name> --scopes infer`: makes, lists and revokes API keys. It runs what `npm run build` or
 * `npm start` has built.
 */
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const built = join(__dirname, '..', 'dist', 'cli', 'keys.js');
if (!existsSync(built)) {
  console.error('keys: there is no build yet; run `npm run build` first');
  process.exit(1);
}
const output = { out: (line) => console.log(line), error: (line) => console.error(line) };
require(built)
  .keysCommand(process.argv.slice(2), output)
  .then((code) => (process.exitCode = code));
