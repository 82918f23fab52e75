import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The JSON Schema of devenv.yaml, for editors; `schema/devenv.schema.json` is this. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, { io: 'input', reused: 'ref' });
  return { $schema, title: 'devenv.yaml', description: 'The configuration of a devenv project', ...schema };
}
