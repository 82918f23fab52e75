import { z } from 'zod';

// The kinds of values that appear everywhere in devenv.yaml.

/** A failed branch of a union must count as failed, or its own words replace the union's. */
export const abort = { abort: true } as const;
/** Text with a reference, judged after it was replaced. */
export const template = z.string().regex(/\$\{/, abort);
// oxlint-disable-next-line no-control-regex -- that very character
const withoutNul = /^[^\0]*$/;
/** Text that is more than blanks. */
export const filled = z
  .string()
  .regex(/\S/, { error: 'must not be empty' })
  .regex(withoutNul, { error: 'must not hold a NUL character' });
/** One item, or a list of them. */
export const list = <T extends z.ZodType>(item: T, what: string): z.ZodUnion<[T, z.ZodArray<T>]> =>
  z.union([item, z.array(item)], { error: `must be ${what} or a list of them` });
/** One of a closed set of words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(
  words: T,
): z.ZodUnion<[z.ZodEnum<{ [K in T[number]]: K }>, z.ZodString]> =>
  z.union([z.enum(words), template], { error: `must be one of ${words.join(', ')}` });

/** A duration, as people write it. */
export const duration = z.union(
  [z.string().regex(/^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)?\s*$|\$\{/, abort), z.number().min(0, abort)],
  {
    error: 'must be a duration such as 250ms, 10s, 5m or 1h',
  },
);
/** A size, as people write it. */
export const size = z.union(
  [z.string().regex(/^\s*\d+(\.\d+)?\s*[kmgKMG]?i?[bB]?\s*$|\$\{/, abort), z.number().min(0, abort)],
  {
    error: 'must be a size such as 512kB, 20MB or 2GB',
  },
);
/** A whole number. */
export const count = z.union([z.int().min(0, abort), template], {
  error: 'must be a whole number, 0 or more',
});
/** A port, or auto. */
export const portNumber = z.union([z.int().min(1, abort).max(65_535, abort), z.literal('auto'), template], {
  error: 'must be a port from 1 to 65535, or auto',
});
/** From 0 to 100. */
export const percent = z.union([z.number().min(0, abort).max(100, abort), template], {
  error: 'must be a number from 0 to 100',
});
/** From 0 to 1. */
export const ratio = z.union([z.number().min(0, abort).max(1, abort), template], {
  error: 'must be a number from 0 to 1',
});
/** true or false. */
export const flag = z.boolean({ error: 'must be true or false' });
/** Text, a number or a boolean. */
export const scalar = z.union(
  [z.string().regex(withoutNul, { error: 'must not hold a NUL character' }), z.number(), z.boolean()],
  { error: 'must be text, a number or a boolean' },
);
/** Environment variables. */
export const variables = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), scalar);
/** A shell command; one of blanks and comments would do nothing and succeed. */
export const command = z
  .string()
  .regex(/(^|\n)\s*[^#\s]/, { error: 'must be a command (blanks and comments do nothing)' })
  .regex(withoutNul, { error: 'must be a command without a NUL character (no program can be given one)' })
  .describe(
    'A shell command. ${VAR} is left to the shell; ${port.NAME}, ${project.root} and ${session} are filled in.',
  );
