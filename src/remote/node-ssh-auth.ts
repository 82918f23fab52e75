import { readFileSync, statSync } from 'node:fs';
import ssh2, { type AnyAuthMethod, type BaseAgent, type ParsedKey } from 'ssh2';
import { self, type DevenvError } from '../base/index.ts';
import type { Ask } from './ask.ts';
import { keyTypeOf } from './known-hosts.ts';
import { beyondNodeSsh, type SshSettings } from './ssh-settings.ts';
import { notLetIn, openKeyFile, passphraseHint } from './trust-errors.ts';

/** One way to be let in, in the order in which they are tried. */
export interface AuthStep {
  readonly method: 'publickey' | 'keyboard-interactive' | 'password';
  /** What to send; undefined when it turns out that there is nothing (a pass phrase that nobody knows). */
  readonly make: () => Promise<AnyAuthMethod | undefined>;
}

/** What can be offered to a box, and what had to be passed over. */
export interface Offers {
  readonly steps: readonly AuthStep[];
  /** Why a key is not offered, to be told when nothing else let the user in. */
  readonly passedOver: readonly DevenvError[];
}

interface FileKey {
  readonly file: string;
  readonly text: string;
  /** Its public part, where that can be read without a pass phrase. */
  readonly blob: Buffer | undefined;
  readonly encrypted: boolean;
}

/** Gathers what the agent and the key files have. `host` is for messages; `ask` asks a person, if there is one. */
export async function gatherOffers(
  settings: SshSettings,
  host: string,
  ask: Ask | undefined,
): Promise<Offers> {
  const passedOver: DevenvError[] = [];
  const files = settings.methods.publickey
    ? settings.identityFiles.flatMap((file) => readKey(file, host, passedOver))
    : [];
  const agent =
    settings.methods.publickey && settings.agent !== undefined
      ? await openAgent(settings.agent, files, settings.identitiesOnly)
      : undefined;
  const own = files.filter(({ text, blob }) => text !== '' && !agent?.has(blob));
  const { user } = settings;
  const steps: AuthStep[] = [];
  if (agent && agent.count > 0)
    steps.push({
      method: 'publickey',
      make: async () => ({ type: 'agent', username: user, agent: agent.agent }),
    });
  for (const key of own) {
    if (!key.encrypted)
      steps.push({
        method: 'publickey',
        make: async () => ({ type: 'publickey', username: user, key: key.text }),
      });
    else if (ask) steps.push({ method: 'publickey', make: () => unlock(key, user, ask) });
    else passedOver.push(notLetIn(host, undefined, passphraseHint));
  }
  if (ask) steps.push(...asked(settings, ask));
  return { steps, passedOver };
}

/** A key file as OpenSSH would take it; one that is not there is nobody's fault. */
function readKey(file: string, host: string, passedOver: DevenvError[]): readonly FileKey[] {
  let text: string;
  let isOpen: boolean;
  try {
    text = readFileSync(file, 'utf8');
    const { mode, uid } = statSync(file);
    isOpen = uid === self.uid && (mode & 0o077) !== 0;
  } catch {
    // It may be in the agent alone, with its public part here.
    const blob = publicPart(`${file}.pub`);
    return blob ? [{ file, text: '', blob, encrypted: false }] : [];
  }
  if (/-cert-v01@openssh\.com /.test(text)) {
    passedOver.push(beyondNodeSsh(host, `${file} is a certificate`));
    return [];
  }
  const key = parse(text);
  if (!(key instanceof Error) && !key.isPrivateKey())
    return [{ file, text: '', blob: key.getPublicSSH(), encrypted: false }];
  if (isOpen) {
    passedOver.push(openKeyFile(host, file));
    return [];
  }
  if (!(key instanceof Error)) return [{ file, text, blob: key.getPublicSSH(), encrypted: false }];
  const blob = publicPart(`${file}.pub`);
  if (/encrypted/i.test(key.message)) return [{ file, text, blob, encrypted: true }];
  const type = blob ? keyTypeOf(blob) : (/sk-\S+/.exec(key.message)?.[0] ?? '');
  passedOver.push(
    beyondNodeSsh(
      host,
      type.startsWith('sk-')
        ? `${file} is a key of a security device (${type})`
        : `${file} is a key of a form it does not know (${key.message})`,
    ),
  );
  return [];
}

function publicPart(file: string): Buffer | undefined {
  try {
    const [, encoded = ''] = readFileSync(file, 'utf8').split(' ');
    const blob = Buffer.from(encoded, 'base64');
    return keyTypeOf(blob) === '' ? undefined : blob;
  } catch {
    return undefined;
  }
}

function parse(text: string, passphrase?: string): ParsedKey | Error {
  const key: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(text, passphrase);
  return Array.isArray(key) ? (key[0] ?? new Error('no key in it')) : key;
}

const tries = 3;

async function unlock(key: FileKey, username: string, ask: Ask): Promise<AnyAuthMethod | undefined> {
  for (let i = 0; i < tries; i += 1) {
    const passphrase = await ask(`Pass phrase of ${key.file}: `, { secret: true });
    if (passphrase === undefined || passphrase === '') return undefined;
    if (!(parse(key.text, passphrase) instanceof Error))
      return { type: 'publickey', username, key: key.text, passphrase };
  }
  return undefined;
}

/** What a person can answer: the box's own questions (one-time codes), or a password. */
function asked({ methods, user, hostname }: SshSettings, ask: Ask): readonly AuthStep[] {
  const keyboard: AuthStep = {
    method: 'keyboard-interactive',
    make: async () => ({
      type: 'keyboard-interactive',
      username: user,
      prompt: (name, instructions, _language, prompts, finish) => {
        const introduction = [name, instructions].filter((text) => text !== '').join('\n');
        void answerAll(introduction, prompts, ask).then(finish, () => finish([]));
      },
    }),
  };
  const password: AuthStep = {
    method: 'password',
    make: async () => {
      const answer = await ask(`Password of ${user}@${hostname}: `, { secret: true });
      return answer ? { type: 'password', username: user, password: answer } : undefined;
    },
  };
  return [
    ...(methods.keyboard ? Array.from({ length: tries }, () => keyboard) : []),
    ...(methods.password ? Array.from({ length: tries }, () => password) : []),
  ];
}

async function answerAll(
  introduction: string,
  prompts: readonly { readonly prompt: string; readonly echo?: boolean }[],
  ask: Ask,
): Promise<string[]> {
  const answers: string[] = [];
  for (const [index, { prompt, echo }] of prompts.entries()) {
    const question = index === 0 && introduction !== '' ? `${introduction}\n${prompt}` : prompt;
    answers.push((await ask(question, { secret: echo !== true })) ?? '');
  }
  return answers;
}

interface OpenAgent {
  readonly agent: BaseAgent;
  /** How many keys of it are offered. */
  readonly count: number;
  readonly has: (blob: Buffer | undefined) => boolean;
}

/** The agent, reduced to the keys that may be offered: those of the key files first, and with IdentitiesOnly alone. */
async function openAgent(
  socket: string,
  files: readonly FileKey[],
  only: boolean,
): Promise<OpenAgent | undefined> {
  const agent = ssh2.createAgent(socket);
  const all = await identitiesOf(agent);
  if (!all) return undefined;
  const rank = (key: ParsedKey): number => {
    const at = files.findIndex(({ blob }) => blob?.equals(key.getPublicSSH()));
    return at < 0 ? files.length : at;
  };
  const offered = all
    .filter((key) => !only || rank(key) < files.length)
    .toSorted((a, b) => rank(a) - rank(b));
  agent.getIdentities = (done) => done(undefined, offered);
  return {
    agent,
    count: offered.length,
    has: (blob) => blob !== undefined && offered.some((key) => key.getPublicSSH().equals(blob)),
  };
}

/** ssh2's own agent gives parsed keys, and leaves out what it does not know (security keys, certificates). */
const parsed = (key: unknown): readonly ParsedKey[] => (isParsed(key) ? [key] : []);

const isParsed = (key: unknown): key is ParsedKey =>
  typeof key === 'object' && key !== null && 'getPublicSSH' in key;

/** An agent that does not answer is none. */
const agentMs = 5000;

/** The agent's keys; undefined when no agent answers, which is no error: there may be key files. */
function identitiesOf(agent: BaseAgent): Promise<readonly ParsedKey[] | undefined> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => resolve(undefined), agentMs);
    agent.getIdentities((error, keys) => {
      clearTimeout(impatient);
      resolve(error ? undefined : (keys ?? []).flatMap(parsed));
    });
  });
}
