import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDestination, type Destination } from '../../src/remote/destination.ts';
import { readSshConfig } from '../../src/remote/ssh-config.ts';
import { askSsh, parseSshG } from '../../src/remote/ssh-options.ts';
import { toSettings, type SshSettings } from '../../src/remote/ssh-settings.ts';
import { resolveTarget } from '../../src/remote/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

const dir = tempDir('ssh-config');
// ssh takes the home from the list of users, not from HOME.
const home = userInfo().homedir;
const target = resolveTarget('box', {}, 'shop');

function envWith(text: string): NodeJS.ProcessEnv {
  const file = path.join(tempDir('config'), 'config');
  writeFileSync(file, text);
  return testEnv({ DEVENV_SSH_CONFIG: file, HOME: home, LANG: 'C.UTF-8', SSH_AUTH_SOCK: '/tmp/agent' });
}

const at = (text: string): Destination => parseDestination(text);

/** Without what only the newest or oldest versions have: their lists of algorithms and names of keys. */
function comparable(settings: SshSettings): unknown {
  const { algorithms: _, identityFiles, ...rest } = settings;
  return { ...rest, identityFiles: identityFiles.filter((file) => !/id_(?:xmss|dsa)$/.test(file)) };
}

const own = (text: string, to = 'box'): SshSettings => {
  const env = envWith(text);
  return toSettings(readSshConfig(at(to), target, env), at(to).host, 'box', env);
};

const included = path.join(dir, 'included.conf');
writeFileSync(included, 'Port 2200\nHost other\n  User wrong\nHost box\n  User included\n');

describe('the ssh configuration, read without ssh', () => {
  it.each([
    ['nothing at all', '', 'box'],
    ['nothing at all, with a user', '', 'dev@box'],
    ['an address with user and port', '', 'ssh://dev@box.example:2222'],
    [
      'the first value counts',
      'Host box\n User one\nHost *\n User two\n Port 23\nHost box\n Port 24\n',
      'box',
    ],
    [
      'patterns and what they leave out',
      'Host *.example !b.example\n User x\nHost b?x\n Port 77\n',
      'b.example',
    ],
    ['patterns', 'Host *.example !b.example\n User x\nHost b?x\n Port 77\n', 'a.example'],
    ['a question mark', 'Host b?x\n Port 77\n', 'box'],
    ['a name with a token', 'Host box\n HostName %h.example\n', 'box'],
    [
      'equal signs, tabs, quotes, case',
      'host box\n\tport=29\n  USER = "dev"\n identityfile "~/k e y"\n',
      'box',
    ],
    [
      'several keys',
      'Host box\n IdentityFile ~/a\n IdentityFile %d/%r-%h-%p\nHost *\n IdentityFile ~/c\n',
      'box',
    ],
    ['only these keys, no agent', 'IdentitiesOnly yes\nIdentityAgent none\n', 'box'],
    ['another agent', 'IdentityAgent ~/agent.sock\n', 'box'],
    ['the usual agent', 'IdentityAgent SSH_AUTH_SOCK\n', 'box'],
    ['an alias of the key', 'HostKeyAlias Known\nPort 2222\n', 'box'],
    ['known hosts', 'UserKnownHostsFile ~/x /tmp/y\nGlobalKnownHostsFile none\nHashKnownHosts yes\n', 'box'],
    ['no new hosts', 'StrictHostKeyChecking yes\n', 'box'],
    ['any new host', 'StrictHostKeyChecking accept-new\n', 'box'],
    ['no check', 'StrictHostKeyChecking no\n', 'box'],
    ['jumps', 'Host box\n ProxyJump a,dev@b:2222\n', 'box'],
    ['a jump that is switched off', 'Host box\n ProxyJump none\nHost *\n ProxyJump a\n', 'box'],
    ['a jump before a command', 'Host box\n ProxyJump a\nHost *\n ProxyCommand nc %h %p\n', 'box'],
    ['Match host', 'Host box\n HostName real\nMatch host real\n Port 99\nMatch host box\n User no\n', 'box'],
    [
      'Match originalhost, user',
      'Match originalhost box,b user dev\n Port 99\nMatch all\n User z\n',
      'dev@box',
    ],
    ['Match another user', 'Match originalhost box user dev\n Port 99\n', 'root@box'],
    ['Match host with an exec that is not reached', 'Match host nobody exec "false"\n Port 99\n', 'box'],
    ['an included file', `Include ${included}\nHost *\n Port 5\n`, 'box'],
    ['included files by pattern, and none', `Include ${dir}/*.conf ${dir}/none*\n`, 'box'],
    ['ways in', 'PasswordAuthentication no\nKbdInteractiveAuthentication no\n', 'box'],
    ['variables', 'SetEnv A=b C=d\nSendEnv LANG LC_*\n', 'box'],
    ['where from', 'AddressFamily inet\nBindAddress 127.0.0.1\n', 'box'],
    ['comments', '# Port 1\n  # Port 2\nPort 3\n', 'box'],
  ])('%s', async (_, text, to) => {
    const env = envWith(text);
    const theirs = toSettings(await askSsh(at(to), target, env), at(to).host, 'box', env);
    expect(comparable(own(text, to))).toEqual(comparable(theirs));
  });

  it.each([
    ['Match exec', 'Match exec "true"\n Port 9\n', /Match exec true/],
    ['Match canonical', 'Match canonical\n Port 9\n', /Match canonical/],
    ['Match final', 'Match final all\n Port 9\n', /Match final/],
    ['a negated Match', 'Match !host x\n Port 9\n', /Match !host/],
    ['CanonicalizeHostname', 'CanonicalizeHostname yes\n', /CanonicalizeHostname/],
    ['Include in a section', `Host box\n Include ${included}\n`, /an Include inside of a section/],
    ['Include with a token', 'Include %d/x\n', /Include %d/],
    ['ProxyCommand', 'Host box\n ProxyCommand nc %h %p\n', /ProxyCommand nc %h %p/],
    ['CertificateFile', 'CertificateFile ~/id-cert.pub\n', /CertificateFile ~\/id-cert.pub/],
    ['PKCS11Provider', 'PKCS11Provider /lib/p.so\n', /PKCS11Provider/],
    ['KnownHostsCommand', 'KnownHostsCommand /bin/x %H\n', /KnownHostsCommand/],
    ['RevokedHostKeys', 'RevokedHostKeys /etc/krl\n', /RevokedHostKeys/],
    ['an unknown token', 'IdentityFile ~/%C\n', /%C in ~\/%C/],
  ])('refuses %s', (_, text, why) => {
    expect(() => own(text)).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(why) as string }),
    );
  });

  it.each([
    ['a line without a value', 'Host box\n IdentitiesOnly\n User x\n', /config: IdentitiesOnly has no value/],
    ['a last line without a value', 'User', /config: User has no value/],
    ['a section without a name', 'Host\n', /config.* has no value/],
    ['quotes left open', 'User "dev\n', /config cannot be read/],
    ['a file that includes itself', `Include ${dir}/circle\n`, /included too deep/],
  ])('says what is wrong with %s', (_, text, why) => {
    writeFileSync(path.join(dir, 'circle'), `Include ${dir}/circle\n`);
    expect(() => own(text)).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringMatching(why) as string }),
    );
  });

  it('says which file is missing, and does without the usual one', () => {
    const missing = testEnv({ DEVENV_SSH_CONFIG: `${dir}/nowhere` });
    expect(() => readSshConfig(at('box'), target, missing)).toThrow(/cannot read .*nowhere/);
    expect(readSshConfig(at('box'), target, testEnv()).get('hostname')).toEqual(['box']);
  });

  it('reads ~/.ssh/config, unless others may write it', () => {
    const env = testEnv();
    const folder = path.join(env['HOME'] ?? '', '.ssh');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'config'), 'Include more\nHost box\n User dev\n', { mode: 0o600 });
    writeFileSync(path.join(folder, 'more'), 'Port 44\n');
    const options = readSshConfig(at('box'), target, env);
    expect([options.get('user'), options.get('port')]).toEqual([['dev'], ['44']]);
    chmodSync(path.join(folder, 'config'), 0o666);
    expect(() => readSshConfig(at('box'), target, env)).toThrow(/can be written by others/);
  });
});

describe('where a connection goes', () => {
  it.each([
    ['box', { host: 'box', user: undefined, port: undefined }],
    ['dev@box', { host: 'box', user: 'dev', port: undefined }],
    ['a@b@box', { host: 'box', user: 'a@b', port: undefined }],
    ['ssh://dev@box:22/', { host: 'box', user: 'dev', port: 22 }],
    ['ssh://[::1]:22', { host: '::1', user: undefined, port: 22 }],
    ['::1', { host: '::1', user: undefined, port: undefined }],
  ])('%s', (text, is) => {
    expect(parseDestination(text)).toEqual(is);
  });

  it.each([
    ['box:23', { host: 'box', user: undefined, port: 23 }],
    ['dev@[::1]:23', { host: '::1', user: 'dev', port: 23 }],
    ['ssh://dev@box', { host: 'box', user: 'dev', port: undefined }],
  ])('a jump: %s', (text, is) => {
    expect(parseDestination(text, true)).toEqual(is);
  });

  it.each(['', '@box', 'ssh://', 'ssh://box:0', 'ssh://box:70000', 'ssh://-oProxyCommand=x', '-x'])(
    'refuses %j',
    (text) => {
      expect(() => parseDestination(text)).toThrow(/not a host/);
    },
  );

  it('does not take a file name with spaces for several of which one is written to', () => {
    const options = parseSshG('userknownhostsfile /tmp/a b /root/x\n');
    expect(options.get('userknownhostsfile')).toEqual(['/tmp/a b', '/root/x']);
  });
});
