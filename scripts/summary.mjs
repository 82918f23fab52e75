// The closing line of a test run: `N passed, N failed`, from vitest's own report. A failed check counts as one more.
import { readFileSync } from 'node:fs';

const [file, failedStatus] = process.argv.slice(2);
let report = { numPassedTests: 0, numFailedTests: 1, numFailedTestSuites: 0 };
try {
  report = JSON.parse(readFileSync(file, 'utf8'));
} catch (error) {
  console.error(`no test report: ${error.message}`);
}
let failed = report.numFailedTests;
// A file that cannot be loaded fails without a failed test in it; so does a check.
if (failed === 0 && (failedStatus !== '0' || report.numPassedTests === 0)) failed = 1;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
