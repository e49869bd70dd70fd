// SPDX-License-Identifier: BSD-2-Clause
/**
 * Fetches and unpacks amd64 packages of Debian with the system's own apt, which checks signatures and hashes. The
 * package lists are kept apart from the system's, so root is not needed and an old list does not matter.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { QuickstartError, run, type Step } from './tools.js';

const REDRAW_MS = 200;

export class DebianPackages {
  private readonly options: readonly string[];

  constructor(
    private readonly folder: string,
    private readonly step: Step,
  ) {
    const lists = join(folder, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    mkdirSync(join(folder, 'archives/partial'), { recursive: true });
    const settings = {
      'APT::Architecture': 'amd64',
      'APT::Architectures': 'amd64',
      'APT::Sandbox::User': '',
      'Acquire::Languages': 'none',
      'Dir::State::lists': lists,
      'Dir::Cache': folder,
    };
    this.options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  async update(): Promise<void> {
    await this.step('fetching the package lists of Debian', () => run('apt-get', [...this.options, 'update', '-qq']));
  }

  /** What can be installed from where, a line each; apt-get(8) has the words of the format. */
  targets(format: string): Promise<string> {
    return run('apt-get', [...this.options, 'indextargets', '--format', format, 'Created-By: Packages']);
  }

  /** The package that a metapackage such as linux-image-cloud-amd64 stands for. */
  async dependency(metapackage: string, wanted: RegExp): Promise<string> {
    const text = await run('apt-cache', [...this.options, 'depends', '--important', metapackage]);
    const name = [...text.matchAll(/Depends: (\S+)/g)]
      .map((match) => match[1] ?? '')
      .find((found) => wanted.test(found));
    if (name === undefined)
      throw new QuickstartError(`Debian's ${metapackage} does not depend on anything like ${wanted}`);
    return name;
  }

  /** Unpacks a package into a new folder and returns that. */
  async unpacked(name: string): Promise<string> {
    const [, size] = /^Size: (\d+)$/m.exec(await run('apt-cache', [...this.options, 'show', name])) ?? [];
    const downloads = join(this.folder, `download-${name}`);
    const tree = join(this.folder, `tree-${name}`);
    for (const path of [downloads, tree]) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
    }
    await this.step(`fetching ${name}`, async (report) => {
      const total = Number(size);
      const timer = setInterval(() => report({ done: bytesIn(downloads), total, unit: 'bytes' }), REDRAW_MS);
      try {
        await run('apt-get', [...this.options, 'download', '-qq', name], downloads);
      } finally {
        clearInterval(timer);
      }
    });
    const file = readdirSync(downloads).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new QuickstartError(`apt-get download ${name} left no package behind`);
    await run('dpkg-deb', ['--extract', join(downloads, file), tree]);
    return tree;
  }
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
