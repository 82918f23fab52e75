// Writes schema/devenv.schema.json from src/config/schema.ts; --check only says whether it is current.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { configJsonSchema } from '../src/config/json-schema.ts';

const file = path.join(import.meta.dirname, '../schema/devenv.schema.json');
const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
const check = process.argv.includes('--check');
if (!check) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('schema/devenv.schema.json is not current: run `node scripts/schema.ts`');
  process.exitCode = 1;
}
