// SPDX-License-Identifier: BSD-2-Clause
/** The whole Debian of `npm run debian-image`, run by the command: a disk for it, and its console. Uses dist. */
import { join } from 'node:path';
import { copyDisk } from '../../../scripts/debian-image/copy-disk.js';
import { DebianShell } from '../../../scripts/debian-image/debian-shell.js';
import { APPEND, type DebianImage, imageIn } from '../../../scripts/debian-image/image.js';
import { cacheFolder } from '../../../scripts/quickstart/guest.js';
import { Run } from '../../cli/support/run.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Made at the first use, which takes minutes. */
export function debianImage(): Promise<DebianImage> {
  return imageIn(cacheFolder(process.env), (_, work) => work(() => {}));
}

/** A copy of the image's disk, or another file's, in a folder of its own until the tests end. */
export async function diskOf({ disk }: Pick<DebianImage, 'disk'>): Promise<string> {
  const copy = join(temporaryFolder('debian'), 'disk.img');
  await copyDisk(disk, copy);
  return copy;
}

export interface DebianBoot {
  readonly image: DebianImage;
  readonly disk: string;
  /** More words of the command. */
  readonly words?: readonly string[];
  /** More words for the kernel. */
  readonly append?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly runFolder?: string;
  readonly name?: string;
}

export class DebianGuest extends DebianShell {
  private constructor(readonly run: Run) {
    super({ output: () => run.out, type: (text) => run.type(text), until: (isThere) => run.until(isThere) });
  }

  static boot({ image, disk, words = [], append = '', name = 'debian', ...place }: DebianBoot): DebianGuest {
    const devices = ['0,hostbridge', '31,lpc', `3,virtio-blk,${disk}`, '4,virtio-rnd'].flatMap((device) => [
      '-s',
      device,
    ]);
    const boot = ['--kernel', image.kernel, '--initrd', image.initrd, '--append', `${APPEND} ${append}`];
    return new DebianGuest(new Run(place, '-u', '-m', '1G', '-l', 'com1,stdio', ...devices, ...boot, ...words, name));
  }

  /** Goes on from a snapshot, whose shell waits at its prompt. */
  static resume(place: Pick<DebianBoot, 'environment' | 'runFolder'>, ...words: string[]): DebianGuest {
    return new DebianGuest(new Run(place, '-l', 'com1,stdio', ...words));
  }

  get console(): string {
    return this.run.out.replaceAll('\r', '');
  }

  type(text: string): void {
    this.run.type(text);
  }

  /** Asks it to switch off, and answers the status with which the command ends. */
  async powerOff(): Promise<number | null> {
    this.type('poweroff\n');
    return (await this.run.end()).status;
  }
}
