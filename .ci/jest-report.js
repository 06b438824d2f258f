const { relative } = require('node:path');
const { stripVTControlCharacters } = require('node:util');

/** What a report of Jest says: in the first line how many passed and failed, then each that failed, in a few lines. */
const SHOWN_LINES = 6;

const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } = require(process.argv[2]);
console.log(`${numPassedTests} ${numFailedTests + numRuntimeErrorTestSuites}`);
for (const { name, status, message, assertionResults } of testResults) {
  const failed = assertionResults.filter((test) => test.status === 'failed');
  for (const { fullName, failureMessages } of failed) tell(name, fullName, failureMessages.join('\n'));
  if (status === 'failed' && failed.length === 0) tell(name, 'does not run', message);
}

function tell(file, title, message) {
  const lines = stripVTControlCharacters(message).split('\n');
  const shown = lines.filter((line) => line.trim() !== '').slice(0, SHOWN_LINES);
  console.log(
    [
      `failed: ${relative('.', file)}: ${title}`,
      ...shown.map((line) => `    ${line.trim().slice(0, 300)}`),
    ].join('\n'),
  );
}
