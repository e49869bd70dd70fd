// SPDX-License-Identifier: BSD-2-Clause
/** From where this host installs Debian: the image comes from there too. */
import { readFileSync } from 'node:fs';
import { DebianPackages } from '../quickstart/debian-packages.js';
import { QuickstartError, run, type Step } from '../quickstart/tools.js';

export interface DebianSources {
  /** `bookworm` */
  readonly release: string;
  /** As in sources.list. */
  readonly lines: readonly string[];
  /** How apt gets there, such as through a proxy. */
  readonly aptOptions: readonly string[];
}

export async function debianSources(work: string, step: Step): Promise<DebianSources> {
  const packages = new DebianPackages(work, step);
  await packages.update();
  const [, release = ''] = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  const lines = sourceLines(await packages.targets('$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)'), release);
  const proxies = await run('apt-config', [
    'dump',
    '--format',
    '%f "%v";%n',
    'Acquire::http::Proxy',
    'Acquire::https::Proxy',
  ]);
  return {
    release,
    lines,
    aptOptions: proxies.split('\n').filter((line) => /^Acquire::\S*[Pp]roxy\S* "..*";$/.test(line)),
  };
}

/** One line for each component: `Debian http://host/debian/ bookworm-updates main`. Others' packages are left out. */
export function sourceLines(targets: string, release: string): string[] {
  const lines = targets
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([origin, , suite]) => origin === 'Debian' && (suite === release || suite?.startsWith(`${release}-`)))
    .map(([, uri, suite, component]) => `deb ${uri} ${suite} ${component}`);
  if (lines.some((line) => line.split(' ')[2] === release)) return [...new Set(lines)];
  throw new QuickstartError(
    `this host's apt has no source of Debian ${release || '(unknown release)'}; one is needed in /etc/apt`,
  );
}
