import type { Detector, Files } from './types.ts';

const servers =
  /net\/http|gin-gonic\/gin|labstack\/echo|gofiber\/fiber|go-chi\/chi|gorilla\/mux|google\.golang\.org\/grpc/;

/** go.mod: the one main package that serves runs as `api`; tests are go's. */
export const detectGo: Detector = (files) => {
  if (files.text('go.mod') === undefined) return undefined;
  const mains = mainPackages(files);
  const [main] = mains;
  const serves =
    mains.length === 1 &&
    main !== undefined &&
    servers.test((files.text(`${main}/main.go`) ?? '') + (files.text('go.mod') ?? ''));
  const lint = ['.golangci.yml', '.golangci.yaml', '.golangci.toml'].some((name) => files.has(name));
  return {
    layout: 'go',
    windows: serves ? { api: { kind: 'service', command: `go run ${main}` } } : {},
    suites: { unit: { command: 'go test ./...' } },
    gates: lint ? { lint: { command: 'golangci-lint run' } } : {},
    found: [`go.mod: go test${serves ? `, go run ${main}` : ''}`],
  };
};

function mainPackages(files: Files): string[] {
  const commands = files
    .list('cmd')
    .filter((name) => /^[\w.-]+\/$/.test(name) && files.has(`cmd/${name}main.go`))
    .map((name) => `./cmd/${name.slice(0, -1)}`);
  return files.has('main.go') ? ['.', ...commands] : commands;
}
