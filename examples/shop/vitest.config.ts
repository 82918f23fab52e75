import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/{unit,integration}/**/*.test.ts'],
    reporters: ['default', ['junit', { addFileAttribute: true }]],
    outputFile: { junit: 'reports/junit.xml' },
  },
});
